// The interactive view: one state, what changes it, and one redraw.

const NOTHING = { node: -1, edge: -1 };

function newState(graph) {
  return {
    graph,
    stop: graph.start,
    colour: "sign",
    circuit: graph.measure === "effect" ? 0 : -1,
    hover: NOTHING,
    pin: NOTHING,
    found: [],
    off: new Set(),
    cut: new Set(),
    name: "",
    live: undefined,
    edit: () => {},
    solid: false,
    turn: { ...TILT },
    turning: false,
    camera: newCamera(),
    names: readNames(),
    owners: ownersOf(graph),
    largestAblation: largestAblations(graph),
    colours: readColours(),
  };
}

/** Draws the view in place of the still figure. */
function showView(place, data) {
  const state = newState(readGraph(data));
  const parts = viewParts();
  const view = { state, ...parts, frame: 0, painter: elementPainter(parts.lines) };
  const actions = actionsOf(view);
  state.edit = actions.set;
  addControls(view, actions);
  place.replaceChildren(view.element);
  listenToPointers(view.stage, state, actions);
  listenToKeys(view.stage, state, actions);
  const restyle = () => {
    state.colours = readColours();
    layOut(view);
  };
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", restyle);
  new ResizeObserver(() => isResized(view) && layOut(view)).observe(view.stage);
  layOut(view);
  const follow = () => location.hash.startsWith(HERE) && actions.set(stateOf(state.graph, location.hash));
  addEventListener("hashchange", follow);
  readLive().then((live) => {
    state.live = live;
    follow();
    redraw(view);
  });
}

function isResized({ stage, state }) {
  const { width, height } = stage.getBoundingClientRect();
  return width !== state.places?.width || height !== state.places?.height;
}

function viewParts() {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const [planes, lines, focus, discs] = [draw("g"), draw("g", { class: "edges" }), draw("g", { class: "edges" }), draw("g")];
  const over = draw("g", {}, focus, discs);
  const svg = draw("svg", { class: "fig", "aria-hidden": "true" }, planes, lines, over);
  const tip = make("div", { class: "view-tip", hidden: true });
  const help = "Network. Arrow keys walk from site to site, Enter pins, Escape lets go, plus and minus zoom, 0 shows all.";
  const stage = make("div", { class: "view-stage", tabindex: 0, role: "application", "aria-label": help }, canvas, svg, tip);
  const status = make("p", { class: "view-status", role: "status", "aria-live": "polite" });
  const legend = make("ul", { class: "view-legend", "aria-label": "Key" });
  const detail = make("div", { class: "view-detail", hidden: true });
  const hint = make("p", { class: "quiet hint" }, "Point at a site or an edge for its numbers; a click keeps them here. Arrow keys walk, plus and minus zoom.");
  const aside = make("div", { class: "view-aside" }, hint, detail);
  const body = make("div", { class: "view-body" }, stage, aside);
  const element = make("div", { class: "view", role: "group", "aria-label": "Interactive view of the network" }, body, legend, status);
  return { element, legend, stage, canvas, svg, planes, lines, over, focus, discs, tip, status, detail, updates: [] };
}

function addControls(view, actions) {
  const { state } = view;
  const controls = [
    thresholdControl(state, actions.set),
    colourControl(state, actions.set),
    circuitControl(state, actions.set),
    searchControl(state, actions.set, actions.visit),
  ].filter(Boolean);
  const [live, kept] = [liveLine(state), keptViews(state)];
  view.updates = [...controls.map((control) => control.update), live.update, kept.update];
  const bar = make("div", { class: "view-controls" }, ...controls.map((control) => control.element), cameraControls(state, actions));
  view.element.prepend(bar, live.element);
  const places = modulePlaces();
  nameModules(places, state.names);
  const modules = modulePanel(state, () => {
    nameModules(places, state.names);
    redraw(view);
  });
  if (modules) view.element.append(modules);
  view.element.append(kept.element);
}

/** Places everything for the size of the stage, and draws. */
function layOut(view) {
  const { state, stage } = view;
  const { width, height } = stage.getBoundingClientRect();
  if (!width || !height) return;
  state.places = { ...placesOf(state.graph, width, height, state.solid && state.turn), width, height };
  state.radius = state.graph.bent ? state.graph.nodes[0].r * Math.max(0.5, Math.min(1, width / state.graph.width)) : 0;
  view.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  redraw(view);
}

/** Draws everything anew. */
function redraw(view) {
  const { state } = view;
  state.shown = state.graph.measure === "effect" ? state.graph.count : state.graph.stops[state.stop].shown;
  lookAtAll(state);
  const edges = drawnEdges(state);
  const painter = edges.length > MOST_ELEMENTS ? bitmap(view) : elements(view);
  painter.paint(state, edges);
  for (const update of view.updates) update();
  view.legend.replaceChildren(...legendOf(state));
  fillDetail(state, view.detail, actionsOf(view).visit);
  redrawNodes(view);
}

function elements(view) {
  if (view.painter.isSharp) view.painter.clear();
  if (view.painter.isSharp) view.painter = elementPainter(view.lines);
  view.painter.move(view.state.camera);
  return view.painter;
}

function bitmap(view) {
  if (!view.painter.isSharp) view.painter.clear();
  if (!view.painter.isSharp) view.painter = bitmapPainter(view.canvas);
  return view.painter;
}

function redrawNodes(view) {
  for (const group of [view.planes, view.over]) group.removeAttribute("transform");
  view.drawnAt = view.state.camera;
  drawPlanes(view.state, view.planes);
  drawDiscs(view.state, view.discs);
  drawFocus(view.state, view.focus);
}

// So long after the last movement what was moved is drawn anew.
const REST = 160;

/** Moves what is drawn; when all rests it is drawn anew, sharp and with names in place. */
function move(view) {
  const { state } = view;
  cancelAnimationFrame(view.frame);
  view.frame = requestAnimationFrame(() => {
    view.painter.move(state.camera);
    const by = state.camera.scale / view.drawnAt.scale;
    const [x, y] = [state.camera.x - view.drawnAt.x * by, state.camera.y - view.drawnAt.y * by];
    for (const group of [view.planes, view.over]) group.setAttribute("transform", `translate(${x} ${y}) scale(${by})`);
    clearTimeout(view.rest);
    view.rest = setTimeout(() => settle(view), REST);
  });
}

function settle(view) {
  const { state } = view;
  if (view.painter.isSharp && !view.painter.isSharp(state.camera, state.places)) redraw(view);
  else redrawNodes(view);
}

/** What readers can do, whichever way they do it. */
function actionsOf(view) {
  const { state } = view;
  const size = () => [state.places.width, state.places.height];
  const look = (camera) => {
    state.camera = kept(camera, ...size());
    move(view);
  };
  return {
    set: (change) => {
      Object.assign(state, change);
      if (state.colour === "effect" && state.circuit < 0) state.circuit = 0;
      redraw(view);
      keepLink(state);
      if (change.found) tell(view, foundWords(state));
      else if ("circuit" in change) tell(view, circuitWords(state));
    },
    zoom: (factor, x = size()[0] / 2, y = size()[1] / 2) => look(zoomAt(state.camera, factor, x, y)),
    fit: () => look(newCamera()),
    reset: () => {
      const { stop, colour, circuit } = newState(state.graph);
      Object.assign(state, { stop, colour, circuit, pin: NOTHING, hover: NOTHING, found: [], name: "", off: new Set(), cut: new Set(), camera: newCamera(), turn: { ...TILT } });
      tell(view, "");
      layOut(view);
      keepLink(state);
    },
    solid: (solid) => {
      state.solid = solid;
      state.camera = newCamera();
      layOut(view);
    },
    drag: (dx, dy, isShift) => {
      if (state.solid && !isShift) turn(view, dx, dy);
      else look({ ...state.camera, x: state.camera.x + dx, y: state.camera.y + dy });
    },
    settle: () => {
      if (state.turning) {
        state.turning = false;
        layOut(view);
      }
    },
    hover: (x, y) => hover(view, x, y),
    focus: (node) => focusOn(view, node),
    pinAt: (x, y) => pin(view, under(state, x, y)),
    pin: (what) => pin(view, what),
    visit: (node) => {
      focusOn(view, node);
      pin(view, { node, edge: -1 });
    },
  };
}

function turn(view, dx, dy) {
  const { state } = view;
  state.turning = true;
  state.turn.yaw += dx / 180;
  state.turn.pitch = Math.max(-0.2, Math.min(1.3, state.turn.pitch + dy / 180));
  cancelAnimationFrame(view.frame);
  view.frame = requestAnimationFrame(() => layOut(view));
}

function hover(view, x, y) {
  cancelAnimationFrame(view.pointing);
  view.pointing = requestAnimationFrame(() => {
    const { state, tip, stage } = view;
    state.hover = under(state, x, y);
    const words = wordsOf(state, state.hover);
    tip.hidden = !words;
    tip.textContent = words;
    stage.classList.toggle("on", Boolean(words));
    placeTip(tip, x, y, state.places);
    drawFocus(state, view.focus);
  });
}

/** Beside the pointer, but inside the stage. */
function placeTip(tip, x, y, { width, height }) {
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(0, Math.min(width - box.width - 4, x + 14))}px`;
  tip.style.top = `${y + 18 + box.height > height ? Math.max(0, y - box.height - 12) : y + 18}px`;
}

function wordsOf(state, { node, edge }) {
  return node >= 0 ? nodeWords(state, node) : edge >= 0 ? edgeWords(state, edge) : "";
}

function focusOn(view, node) {
  const { state } = view;
  if (node < 0) return;
  state.hover = { node, edge: -1 };
  tell(view, nodeWords(state, node));
  redrawNodes(view);
}

function pin(view, what) {
  const { state } = view;
  state.pin = what;
  fillDetail(state, view.detail, actionsOf(view).visit);
  redrawNodes(view);
  tell(view, wordsOf(state, what) && `Pinned: ${wordsOf(state, what)}`);
}

function foundWords({ found, graph }) {
  const names = found.slice(0, 5).map((n) => labelOf(graph.nodes[n]));
  return found.length ? `${found.length} found: ${names.join(", ")}${found.length > 5 ? ", …" : ""}. Enter pins the first.` : "Nothing found";
}

function circuitWords({ circuit, graph }) {
  const chosen = graph.circuits[circuit];
  return chosen ? `${chosen.output}, ${chosen.method}: ${chosen.words}${chosen.left_out ? `; ${counted(chosen.left_out)} more edges are in the result only` : ""}` : "All edges";
}

function tell(view, words) {
  view.status.textContent = words || "";
}
