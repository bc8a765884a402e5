// A network taking shape: the frames of a training, one after the other.

const FRAME_LASTS = 80;

// The stage in units of the drawing, and where in it the unit square of places lies.
const STAGE = { width: 1000, height: 640, left: 40, top: 60, across: 920, down: 520 };

// Layers of more sites than this are not named site by site.
const MOST_NAMED = 12;

const FILM_LETTER = 7;

function playFilm(place, film) {
  const svg = draw("svg", { class: "fig", viewBox: `0 0 ${STAGE.width} ${STAGE.height}`, role: "img", "aria-label": "The network at the chosen step" });
  const time = make("input", { type: "range", min: 0, max: film.frames.length - 1, step: 1, "aria-label": "Frame" });
  const told = make("output", {});
  const player = { film, svg, time, told, timer: 0, lines: draw("g", {}), names: draw("g", {}) };
  const play = make("button", { type: "button" }, "Play");
  player.halt = () => {
    clearInterval(player.timer);
    player.timer = 0;
    play.textContent = "Play";
  };
  play.addEventListener("click", () => (player.timer ? player.halt() : startFilm(player, play)));
  time.addEventListener("input", () => {
    player.halt();
    showFrame(player, Number(time.value));
  });
  svg.append(player.lines, filmSites(film), player.names);
  place.append(make("div", { class: "film" }, make("div", { class: "film-controls" }, play, time, told), svg));
  // Names stay readable where the drawing is small.
  new ResizeObserver(() => {
    player.far = Math.max(1, STAGE.width / (svg.clientWidth || STAGE.width));
    svg.style.setProperty("--far", player.far);
    showFrame(player, Number(time.value));
  }).observe(svg);
  showFrame(player, film.frames.length - 1);
}

function startFilm(player, play) {
  const last = player.film.frames.length - 1;
  if (Number(player.time.value) >= last) showFrame(player, 0);
  play.textContent = "Pause";
  player.timer = setInterval(() => {
    showFrame(player, Math.min(last, Number(player.time.value) + 1));
    if (Number(player.time.value) >= last) player.halt();
  }, FRAME_LASTS);
}

function inStage([x, y]) {
  return [STAGE.left + STAGE.across * x, STAGE.top + STAGE.down * y];
}

function filmSites({ places }) {
  const r = Math.max(1.5, Math.min(6, 200 / Math.max(...places.map((layer) => layer.length))));
  const site = (point) => {
    const [cx, cy] = inStage(point);
    return draw("circle", { cx, cy, r });
  };
  return draw("g", {}, ...places.flat().map(site));
}

function showFrame(player, index) {
  const { film } = player;
  const frame = film.frames[index];
  const lines = [];
  const count = frame.lines.length / 4;
  for (let k = 4 * count - 4; k >= 0; k -= 4) lines.push(connection(film.places, frame.lines.slice(k, k + 4), count));
  player.lines.replaceChildren(...lines);
  player.names.replaceChildren(...filmNames(player, frame));
  player.told.textContent = `step ${frame.step} · test loss ${shown(frame.loss)} · ${counted(frame.edges)} weights above 0.01`;
  player.time.value = index;
  player.time.setAttribute("aria-valuetext", player.told.textContent);
}

/** Fainter and thinner, the more connections there are. */
function connection(places, [layer, reader, writer, weight], count) {
  const [x1, y1] = inStage(places[layer][writer]);
  const [x2, y2] = inStage(places[layer + 1][reader]);
  const share = Math.abs(weight) / 100;
  const faint = count > 1500 ? 0.3 : count > 500 ? 0.6 : 1;
  const pen = { "stroke-width": (3 * share * Math.sqrt(faint)).toFixed(2), "stroke-opacity": Math.min(1, (0.15 + share) * faint).toFixed(2) };
  return draw("line", { x1, y1, x2, y2, ...pen, class: weight > 0 ? "pos" : "neg" });
}

function filmNames({ film, far = 1 }, frame) {
  const last = film.places.length - 1;
  const bottom = film.tokens || frame.in.length > MOST_NAMED ? [] : siteNames(frame.in.map((feature) => film.inputs[feature]), film.places[0], 11 + 13 * far, far);
  const top = frame.out.length > MOST_NAMED ? [] : siteNames(frame.out.map((target) => film.outputs[target]), film.places[last], -14, far);
  // On a phone there is no room for all.
  const isRoomy = (name) => far < 1.5 || name !== "stream";
  const row = (name, layer) => (isRoomy(name) ? [draw("text", { class: "row", x: 0, y: inStage(film.places[layer][0])[1] + 4 }, name)] : []);
  return [...bottom, ...top, ...film.rows.flatMap(row)];
}

/** Names from left to right, without those that would touch the one before. */
function siteNames(names, places, below, far = 1) {
  let free = -Infinity;
  return names.flatMap((name, k) => {
    const [x, y] = inStage(places[k]);
    const half = (name.length * FILM_LETTER * far) / 2;
    if (x - half < free) return [];
    free = x + half;
    return [draw("text", { class: "mid", x, y: y + below }, name)];
  });
}
