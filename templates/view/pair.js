// Two networks of a comparison side by side, cut at one threshold.

const PAIR = { wide: 380, tall: 320, edge: 20 };
const PAIR_STEPS = 100;

async function readyPair() {
  const place = document.getElementById("pair-view");
  const result = place && (await resultObject());
  if (result?.networks?.length > 1) place.replaceChildren(pairView(result));
}

function pairView({ networks, places, settings }) {
  const weights = networks.flatMap(({ picture }) => picture.edges.map((edge) => Math.abs(edge[3])));
  const [low, high] = weights.reduce(([low, high], w) => (w > 0 ? [Math.min(low, w), Math.max(high, w)] : [low, high]), [Infinity, 0]);
  const stopOf = (threshold) => Math.round((PAIR_STEPS * Math.log(threshold / low)) / Math.log(high / low || 1));
  const start = Math.max(0, Math.min(PAIR_STEPS, stopOf(settings.equal_threshold) || 0));
  const slider = make("input", { type: "range", min: 0, max: PAIR_STEPS, step: 1, id: "pair-threshold" });
  slider.value = start;
  const words = make("output", { for: "pair-threshold" });
  const other = networks.findIndex(({ group }) => group !== networks[0].group);
  const sides = [pairSide(networks, 0), pairSide(networks, Math.max(1, other))];
  const update = () => {
    const threshold = low * (high / low) ** (slider.value / PAIR_STEPS);
    slider.dataset.threshold = threshold;
    words.textContent = `|w| ≥ ${shown(threshold, 3)} in both`;
    slider.setAttribute("aria-valuetext", words.textContent);
    for (const side of sides) side.show(places, threshold, high);
  };
  slider.addEventListener("input", update);
  for (const side of sides) side.select.addEventListener("change", update);
  update();
  const bar = make("div", { class: "view-controls" }, make("div", { class: "view-slider" }, field("One threshold for both", slider), words));
  return make("div", {}, bar, make("div", { class: "pair" }, ...sides.map(({ element }) => element)));
}

/** One of the two: which network, its drawing, and how much of it is left. */
function pairSide(networks, first) {
  const name = ({ group, name, seed }) => `${group}, ${seed === null || seed === undefined ? name : `seed ${seed}`}`;
  const select = make("select", { "aria-label": "Network" }, ...networks.map((one, k) => make("option", { value: k, selected: k === first }, name(one))));
  const { wide, tall } = PAIR;
  const svg = draw("svg", { class: "fig", viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img" });
  const caption = make("figcaption", {});
  const element = make("figure", {}, make("div", { class: "view-controls" }, select), svg, caption);
  const show = (places, threshold, strongest) => {
    const network = networks[select.value];
    const { picture } = network;
    const kept = picture.edges.filter((edge) => Math.abs(edge[3]) >= threshold);
    caption.textContent = pairWords(picture, kept.length);
    svg.setAttribute("aria-label", `${name(network)}: ${caption.textContent}`);
    svg.replaceChildren(draw("g", { class: "edges" }, ...kept.reverse().map((edge) => pairLine(places, edge, strongest))), ...pairDots(places));
  };
  return { element, select, show };
}

/** How many edges are left; of those that are too many to be carried only the strongest are known. */
function pairWords({ surviving, edges }, kept) {
  const cut = kept === edges.length && surviving > edges.length;
  return cut ? `the ${counted(kept)} strongest of ${counted(surviving)} edges` : `${counted(kept)} of ${counted(surviving)} edges`;
}

function pairLine(places, [layer, from, to, weight], strongest) {
  const [[x1, y1], [x2, y2]] = [pairPlace(places, layer, from), pairPlace(places, layer + 1, to)];
  const width = 0.5 + 3 * Math.sqrt(Math.abs(weight) / strongest);
  const words = draw("title", {}, `weight ${shown(weight)}`);
  return draw("line", { x1, y1, x2, y2, class: weight < 0 ? "neg" : "pos", "stroke-width": width.toFixed(2) }, words);
}

/** Layers from below to above; folds and images keep their depth. */
function pairPlace(places, layer, site) {
  const { wide, tall, edge } = PAIR;
  const { arrangement, sites } = places[layer];
  const [x, y] = sites[site];
  const gap = (tall - 2 * edge) / places.length;
  const base = tall - edge - (layer + 0.5) * gap;
  const across = arrangement === "line" ? x : 0.74 * x + 0.26 * y;
  const up = arrangement === "line" ? -0.2 * y * gap : (y - 0.5) * 0.62 * gap;
  return [edge + across * (wide - 2 * edge), base - up].map((v) => v.toFixed(1));
}

/** Every site as a dot. */
function pairDots(places) {
  return places.flatMap(({ sites }, layer) => {
    const radius = sites.length > 60 ? 1 : 2.2;
    return sites.map((_, k) => {
      const [cx, cy] = pairPlace(places, layer, k);
      return draw("circle", { cx, cy, r: radius, class: "node alone" });
    });
  });
}

readyPair();
