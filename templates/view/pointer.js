// Mouse, touch and keys on the stage, turned into what they mean.

const NEAR_NODE = 9;
const NEAR_EDGE = 6;
const MOVED = 4;

/** The node or edge under a point of the stage. */
function under(state, x, y) {
  const node = nodeUnder(state, x, y);
  return { node, edge: node >= 0 ? -1 : edgeUnder(state, x, y) };
}

function nodeUnder(state, x, y) {
  let [best, nearest] = [-1, Infinity];
  state.graph.nodes.forEach((_, n) => {
    const [a, b] = onStage(state, n);
    const distance = Math.hypot(a - x, b - y) - (state.busy[n] ? 0.01 : 0);
    if (distance < Math.max(NEAR_NODE, radiusOf(state, n)) && distance < nearest) [best, nearest] = [n, distance];
  });
  return best;
}

function edgeUnder(state, x, y) {
  const { camera, graph } = state;
  const [u, v] = [(x - camera.x) / camera.scale, (y - camera.y) / camera.scale];
  let [best, nearest] = [-1, (NEAR_EDGE / camera.scale) ** 2];
  for (let edge = 0; edge < state.shown; edge++) {
    if (state.hue[edge] < 0) continue;
    const distance = distance2(pointsOf(graph, state.places, edge, state.radius), u, v);
    if (distance < nearest) [best, nearest] = [edge, distance];
  }
  return best;
}

/** Pointing, clicking, dragging, pinching, turning the wheel. */
function listenToPointers(stage, state, actions) {
  const pointers = new Map();
  let travelled = 0;
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, at(event));
    travelled = 0;
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = pointers.get(event.pointerId);
    if (!before) return actions.hover(...now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    travelled += Math.hypot(dx, dy);
    pointers.set(event.pointerId, now);
    if (pointers.size === 1 && travelled > MOVED) actions.drag(dx, dy, event.shiftKey);
    if (pointers.size === 2) pinch(pointers, event.pointerId, before, now, actions);
  });
  const end = (event) => {
    const tapped = pointers.size === 1 && travelled <= MOVED && event.type === "pointerup";
    pointers.delete(event.pointerId);
    if (tapped) actions.pinAt(...at(event));
    else if (!pointers.size) actions.settle();
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerleave", () => actions.hover(-1e6, -1e6));
  // The page scrolls with the wheel; with a key held, or pinched, the view zooms.
  const wheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    actions.zoom(Math.exp(-event.deltaY / 200), ...at(event));
  };
  stage.addEventListener("wheel", wheel, { passive: false });
}

function pinch(pointers, moved, before, now, actions) {
  const other = [...pointers].find(([id]) => id !== moved)[1];
  const spread = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
  actions.zoom(spread(now) / spread(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  actions.drag((now[0] - before[0]) / 2, (now[1] - before[1]) / 2, true);
}

/** Arrows walk from node to node, Enter pins, Escape lets go. */
function listenToKeys(stage, state, actions) {
  const walks = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const keys = {
    Enter: () => actions.pin(state.hover.node >= 0 ? { node: state.hover.node, edge: -1 } : state.hover),
    " ": () => keys.Enter(),
    Escape: () => actions.pin({ node: -1, edge: -1 }),
    "+": () => actions.zoom(1.5),
    "=": () => actions.zoom(1.5),
    "-": () => actions.zoom(1 / 1.5),
    0: () => actions.fit(),
  };
  stage.addEventListener("keydown", (event) => {
    const walk = walks[event.key];
    if (walk && event.shiftKey) actions.drag(-40 * walk[0], 40 * walk[1], false);
    else if (walk) actions.focus(neighbour(state, walk));
    else if (keys[event.key] && !event.ctrlKey && !event.metaKey) keys[event.key]();
    else return;
    event.preventDefault();
  });
}

/** The node beside the one in focus: in its row, or in the next row at its strongest edge. */
function neighbour(state, [across, up]) {
  const { graph, places } = state;
  const here = state.hover.node >= 0 ? state.hover.node : state.pin.node;
  if (here < 0) return state.busy.findIndex((count) => count > 0);
  const row = graph.nodes[here].row;
  if (across) {
    const mates = graph.nodes.map((_, n) => n).filter((n) => graph.nodes[n].row === row);
    mates.sort((a, b) => places.x[a] - places.x[b] || places.y[a] - places.y[b]);
    return mates[(mates.indexOf(here) + across + mates.length) % mates.length];
  }
  const ends = visibleAt(state, here).map((e) => (graph.from[e] === here ? graph.to[e] : graph.from[e]));
  return ends.find((n) => (up > 0 ? places.y[n] < places.y[here] : places.y[n] > places.y[here])) ?? here;
}
