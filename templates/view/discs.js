// Nodes, their names and the names of rows, above the edges.

/** How large a node of this row is drawn on a stage of this width. */
function radiusOf(state, node) {
  const fit = Math.max(0.5, Math.min(1, state.places.width / state.graph.width));
  return state.graph.nodes[node].r * fit * Math.min(3, Math.sqrt(state.camera.scale));
}

/** Where a node is on the stage. */
function onStage(state, node) {
  const { scale, x, y } = state.camera;
  return [state.places.x[node] * scale + x, state.places.y[node] * scale + y];
}

/** Draws the plane of every row, where layers are planes. */
function drawPlanes({ places, camera: { scale, x, y } }, group) {
  const at = ([u, v]) => `${(u * scale + x).toFixed(1)} ${(v * scale + y).toFixed(1)}`;
  group.replaceChildren(...places.planes.map((corners) => draw("path", { class: "plane", d: `M${corners.map(at).join("L")}Z` })));
}

/** Draws all nodes and the names that fit. */
function drawDiscs(state, group) {
  const drawn = [];
  const numbers = [];
  state.graph.nodes.forEach((_, n) => {
    const [cx, cy] = onStage(state, n).map((v) => v.toFixed(1));
    const look = nodeLook(state, n);
    const r = radiusOf(state, n) * look.size;
    drawn.push(draw("circle", { cx, cy, r: Math.max(1.5, r).toFixed(1), class: look.class, "fill-opacity": look.opacity.toFixed(2) }));
    if (look.module !== undefined && r >= 8) numbers.push(draw("text", { x: cx, y: Number(cy) + 4, class: "number" }, String(look.module)));
  });
  group.replaceChildren(...drawn, ...numbers, ...namesOf(state));
}

const LETTER = 6.7;

/** Names beside nodes and at the left of rows, left out where they would touch. */
function namesOf(state) {
  const { graph, places } = state;
  const taken = [];
  const names = [];
  const isFree = (box) => box[0] >= 0 && box[2] <= places.width && box[1] >= 0 && box[3] <= places.height && !taken.some((other) => overlap(box, other));
  for (const n of named(state)) {
    const text = short(graph.nodes[n].name, 24);
    const half = (text.length * LETTER) / 2 + 3;
    const box = spots(state, n, half).find(isFree);
    if (!box) continue;
    taken.push(box);
    names.push(draw("text", { x: (box[0] + half).toFixed(1), y: (box[1] + 12).toFixed(1), class: "mid halo" }, text));
  }
  if (!state.solid) names.push(...rowNames(state, taken));
  return names;
}

/** Where the name of a node may stand, the best place first: boxes as left, top, right, bottom. */
function spots(state, n, half) {
  const { graph, places } = state;
  const [x, y] = onStage(state, n);
  const r = radiusOf(state, n);
  const inside = Math.max(half, Math.min(places.width - half, x));
  const at = (middle, base) => [middle - half, base - 12, middle + half, base + 4];
  const [above, below] = [at(inside, y - r - 6), at(inside, y + r + 16)];
  const [right, left] = [at(x + r + half + 2, y + 4), at(x - r - half - 2, y + 4)];
  // Components have edges below and above: their names stand beside them.
  if (graph.bent) return [right, left, above];
  if (!graph.solid) return [graph.nodes[n].row === graph.rows.length - 1 ? above : below];
  return x < places.width / 2 ? [above, left, below, right] : [above, right, below, left];
}

/** The nodes that want a name: what is asked for first, then ends and components, busy ones first. */
function named(state) {
  const { graph } = state;
  const last = graph.rows.length - 1;
  const beside = state.pin.node >= 0 ? focused(state).slice(-12).flatMap((edge) => [graph.from[edge], graph.to[edge]]) : [];
  const asked = [state.hover.node, state.pin.node, ...state.found, ...beside].filter((n) => n >= 0);
  // The names of pixels say nothing that their places do not.
  const isEnd = (n) => graph.bent || graph.nodes[n].row === last || (graph.nodes[n].row === 0 && !state.graph.solid);
  const ends = graph.nodes.map((_, n) => n).filter((n) => isEnd(n) && (state.busy[n] || !state.solid));
  ends.sort((a, b) => state.busy[b] - state.busy[a]);
  return [...new Set([...asked, ...ends])];
}

function rowNames(state, taken) {
  const { graph, places } = state;
  const left = Math.min(...places.x) * state.camera.scale + state.camera.x;
  return graph.rows.flatMap((row) => {
    const y = (row.y / graph.height) * places.height * state.camera.scale + state.camera.y;
    const width = row.name.length * LETTER + 4;
    const box = [0, y - 8, width, y + 8];
    if (left < width || taken.some((other) => overlap(box, other))) return [];
    return [draw("text", { x: 2, y: (y + 4).toFixed(1), class: "quiet small halo" }, row.name)];
  });
}

function overlap(a, b) {
  return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

function short(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Rings around what is pointed at, pinned and found, and their edges drawn strong. */
function drawFocus(state, group) {
  const marks = [];
  for (const [what, focus] of [["found", state.found], ["hover", [state.hover.node]], ["pin", [state.pin.node]]]) {
    for (const n of focus) if (n >= 0) marks.push(ring(state, n, what));
  }
  const edges = focused(state);
  const { scale, x, y } = state.camera;
  const pen = penOf(state);
  const lines = edges.map((edge) => {
    const { width, opacity } = pen(state.hue[edge], state.strength[edge]);
    return draw("path", {
      d: pathOf(pointsOf(state.graph, state.places, edge, state.radius)),
      class: classOf(state, edge),
      "stroke-width": width.toFixed(2),
      "stroke-opacity": Math.max(opacity, 0.6).toFixed(2),
      transform: `translate(${x} ${y}) scale(${scale})`,
    });
  });
  group.closest(".view-stage").classList.toggle("dimmed", edges.length > 0);
  group.replaceChildren(...lines, ...marks);
}

// Most edges that are drawn anew over the others, which dim.
const MOST_FOCUSED = 400;

/** The edges at what is pinned, else at what is pointed at: they keep their widths while the rest dims. */
function focused(state) {
  const { node, edge } = state.pin.node >= 0 || state.pin.edge >= 0 ? state.pin : state.hover;
  if (node >= 0) return visibleAt(state, node).slice(0, MOST_FOCUSED).reverse();
  return edge >= 0 ? [edge] : [];
}

function ring(state, node, what) {
  const [cx, cy] = onStage(state, node);
  return draw("circle", { cx, cy, r: radiusOf(state, node) + 4, class: `halo-${what}` });
}
