// What a head attends to in a sample, both chosen by the reader: the tokens shaded by how much
// the chosen one reads of them, and the whole pattern.

// Characters of a sample that name it.
const LONGEST_SAMPLE = 60;

// Tokens that are told in words.
const MOST_READ = 3;

async function readyAttention() {
  const place = document.getElementById("attention-view");
  const result = place && (await resultObject());
  if (result?.attention?.length) place.replaceChildren(attentionView(result.attention, result.prompts ?? []));
}

function attentionView(patterns, prompts) {
  const samples = [...new Set(patterns.map(({ sample }) => sample))].sort((a, b) => a - b);
  const heads = [...new Set(patterns.map(headName))];
  const state = { sample: samples[0], head: heads[0], row: Infinity };
  const tokens = make("p", { class: "attention-tokens", role: "group", "aria-label": "Tokens; press one to see what it reads" });
  const told = make("output", { class: "attention-told" });
  const drawing = make("div", { class: "scroll" });
  const set = (change) => {
    Object.assign(state, change);
    const pattern = patterns.find((one) => one.sample === state.sample && headName(one) === state.head);
    if (!pattern) return tokens.replaceChildren(), drawing.replaceChildren(), (told.textContent = "Not in the result.");
    const read = readPattern(pattern, prompts[state.sample]?.clean);
    const row = Math.min(state.row, read.rows.length - 1);
    tokens.replaceChildren(...tokenButtons(read, row, (next) => set({ row: next })));
    told.textContent = readWords(read, row);
    drawing.replaceChildren(patternDrawing(read, row, state.head));
  };
  const choose = (options, key) => {
    const select = make("select", { "aria-label": key === "head" ? "Head" : "Sample" }, ...options.map(([value, text], k) => make("option", { value: k }, text)));
    select.addEventListener("change", () => set({ [key]: options[select.value][0] }));
    return select;
  };
  const named = samples.map((sample) => [sample, sampleName(sample, prompts[sample]?.clean)]);
  const controls = [field("Sample", choose(named, "sample")), field("Head", choose(heads.map((head) => [head, head]), "head"))];
  set({});
  return make("div", { class: "attention" }, make("div", { class: "view-controls" }, ...controls), tokens, told, drawing);
}

function headName({ layer, head }) {
  return `a${layer}.h${head}`;
}

function sampleName(sample, tokens) {
  const words = (tokens ?? []).join("");
  return `${sample + 1}${words ? `: ${words.slice(0, LONGEST_SAMPLE)}${words.length > LONGEST_SAMPLE ? "…" : ""}` : ""}`;
}

/** A pattern row by row, with the names of its positions. */
function readPattern({ queries, pattern }, tokens) {
  const width = pattern.length / queries.length;
  const rows = queries.map((at, k) => ({ at, shares: pattern.slice(k * width, (k + 1) * width) }));
  const names = Array.from({ length: width }, (_, k) => (tokens?.[k] ?? String(k)).replaceAll(" ", "·").replaceAll("\n", "↵"));
  const called = (k) => (tokens?.[k] === undefined ? `position ${k}` : `${names[k]} (position ${k})`);
  return { rows, names, called };
}

/** A button per token, shaded by the share that the chosen row reads of it. */
function tokenButtons({ rows, names }, chosen, choose) {
  return names.flatMap((name, at) => {
    const row = rows.findIndex((one) => one.at === at);
    const share = rows[chosen].shares[at];
    const button = make("button", { type: "button", "aria-pressed": String(row === chosen), disabled: row < 0, title: `${shown(100 * share, 3)} %`, click: () => choose(row) }, name);
    button.style.setProperty("--share", share);
    return [button, " "];
  });
}

function readWords({ rows, called }, chosen) {
  const { at, shares } = rows[chosen];
  const order = shares.map((_, k) => k).sort((a, b) => shares[b] - shares[a]).slice(0, MOST_READ);
  const read = order.filter((k) => shares[k] > 0).map((k) => `${called(k)} ${shown(100 * shares[k], 3)} %`);
  return `${called(at)} reads ${read.join(", ")}.`;
}

const CELL = 18;
const LONGEST_NAME = 12;

/** The pattern as a matrix: a row asks, a column is read. */
function patternDrawing({ rows, names }, chosen, head) {
  const short = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);
  const room = 16 + 6.4 * Math.max(...names.map((name) => short(name).length));
  const [width, height] = [1.5 * room + names.length * CELL, room + rows.length * CELL + 8];
  const svg = draw("svg", { class: "fig", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `What ${head} attends to: rows ask, columns are read` });
  names.forEach((name, k) => {
    const [x, y] = [room + (k + 0.7) * CELL, room - 6];
    svg.append(draw("text", { x, y, class: "small", transform: `rotate(-60 ${x} ${y})` }, short(name)));
  });
  rows.forEach(({ at, shares }, r) => {
    const y = room + r * CELL;
    svg.append(draw("text", { x: room - 6, y: y + 13, class: `small end${r === chosen ? " strong" : ""}` }, short(names[at])));
    shares.forEach((share, k) => {
      const words = draw("title", {}, `${names[at]} reads ${names[k]}: ${shown(share, 3)}`);
      svg.append(draw("rect", { x: room + k * CELL, y, width: CELL, height: CELL, class: "heat more", "fill-opacity": share.toFixed(3) }, words));
    });
    if (r === chosen) svg.append(draw("rect", { x: room, y, width: names.length * CELL, height: CELL, fill: "none", class: "chosen" }));
  });
  return svg;
}

readyAttention();
