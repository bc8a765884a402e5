// The row of controls above the stage: threshold, colours, circuits, search, buttons.

const PLAY_EVERY = 1600;

function thresholdControl(state, act) {
  const last = state.graph.stops.length - 1;
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, id: "view-threshold" });
  slider.value = state.stop;
  slider.addEventListener("input", () => act({ stop: Number(slider.value) }));
  slider.setAttribute("aria-describedby", "view-kept");
  const words = make("output", { id: "view-kept", for: "view-threshold" });
  const update = () => {
    slider.value = state.stop;
    words.textContent = stopWords(state);
    slider.setAttribute("aria-valuetext", words.textContent);
  };
  return { element: make("div", { class: "view-slider" }, field("Threshold", slider), ticks(state, act, last), words), update };
}

/** Places on the slider worth a look, as buttons that lead there. */
function ticks(state, act, last) {
  const marks = state.graph.marks.map(({ stop, text }) => {
    const tick = make("button", { type: "button", click: () => act({ stop }) }, text);
    tick.style.left = `${(100 * stop) / Math.max(1, last)}%`;
    tick.classList.toggle("left", stop > 0.85 * last);
    return tick;
  });
  return marks.length ? make("div", { class: "view-ticks", role: "group", "aria-label": "Thresholds worth a look" }, ...marks) : undefined;
}

/** What is left at the threshold, and what it was measured to do. */
function stopWords(state) {
  const { graph } = state;
  const stop = graph.stops[state.stop];
  const size = graph.measure === "weight" ? "|w|" : "|effect|";
  const words = [`${counted(state.visible)} of ${counted(graph.edges_total)} edges with ${size} ≥ ${shown(stop.threshold)}`];
  if (stop.change !== undefined) {
    const over = stop.over === undefined ? "" : ` (${shown(stop.over, 3)} × tolerance)`;
    words.push(`measured: largest change of an output ${shown(stop.change)}${over}`);
  }
  if (stop.loss !== undefined) words.push(`loss ${shown(stop.loss)}`);
  if (stop.bound !== undefined) words.push(`bound ${shown(stop.bound)}`);
  return words.join(" · ");
}

function colourControl(state, act) {
  const { graph } = state;
  const choices = [["sign", "sign"]];
  if (graph.nodes.some((node) => node.module !== undefined)) choices.push(["module", "module"]);
  if (graph.circuits.length) choices.push(["effect", "effect in a circuit"], ["circuit", "circuit of each output"]);
  if (graph.measure === "effect") choices.length = 1;
  const select = make("select", {}, ...choices.map(([value, text]) => make("option", { value }, text)));
  select.addEventListener("change", () => act({ colour: select.value }));
  return { element: field("Colour by", select), update: () => (select.value = state.colour) };
}

function circuitControl(state, act) {
  const { circuits } = state.graph;
  if (!circuits.length) return undefined;
  const names = circuits.map((circuit, k) => make("option", { value: k }, `${circuit.output}, ${circuit.method}`));
  const select = make("select", {}, make("option", { value: -1 }, "all edges"), ...names);
  select.addEventListener("change", () => act({ circuit: Number(select.value) }));
  const step = (by) => act({ circuit: (Math.max(state.circuit, by > 0 ? -1 : 0) + by + circuits.length) % circuits.length });
  const player = playButton(() => step(1));
  const back = make("button", { type: "button", "aria-label": "Circuit before", click: () => step(-1) }, "‹");
  const next = make("button", { type: "button", "aria-label": "Next circuit", click: () => step(1) }, "›");
  const update = () => (select.value = state.circuit);
  return { element: make("div", { class: "view-group" }, field("Circuit", select), back, player, next), update };
}

/** Shows one circuit after the other until it is pressed again. */
function playButton(step) {
  let timer = 0;
  const button = make("button", { type: "button", "aria-pressed": "false" }, "Play");
  button.addEventListener("click", () => {
    clearInterval(timer);
    const starts = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(starts));
    button.textContent = starts ? "Pause" : "Play";
    if (starts) {
      step();
      timer = setInterval(step, PLAY_EVERY);
    }
  });
  return button;
}

function searchControl(state, act, go) {
  const input = make("input", { type: "search", placeholder: "site or name", autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => act({ found: find(state.graph, input.value) }));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && state.found.length) go(state.found[0]);
    if (event.key === "Escape") {
      input.value = "";
      act({ found: [] });
    }
  });
  return { element: field("Find", input), update: () => {} };
}

/** Nodes whose site or name holds the words; those that are them exactly come first. */
function find(graph, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [];
  const names = (n) => [graph.nodes[n].site.toLowerCase(), graph.nodes[n].name.toLowerCase()];
  const all = graph.nodes.map((_, n) => n).filter((n) => names(n).some((name) => name.includes(wanted)));
  const rank = (n) => (names(n).includes(wanted) ? 0 : names(n).some((name) => name.startsWith(wanted)) ? 1 : 2);
  return all.sort((a, b) => rank(a) - rank(b) || a - b);
}

function cameraControls(state, actions) {
  const button = (text, label, click) => make("button", { type: "button", "aria-label": label, title: label, click }, text);
  const buttons = [
    button("−", "Zoom out", () => actions.zoom(1 / 1.5)),
    button("+", "Zoom in", () => actions.zoom(1.5)),
    button("Fit", "Fit: show all", actions.fit),
    button("Reset", "Reset: show everything as it was at first", actions.reset),
  ];
  if (state.graph.solid) {
    const solid = make("button", { type: "button", "aria-pressed": "false" }, "3D");
    solid.addEventListener("click", () => {
      actions.solid(!state.solid);
      solid.setAttribute("aria-pressed", String(state.solid));
    });
    buttons.push(solid);
  }
  return make("div", { class: "view-group" }, ...buttons);
}
