// Where nodes and edges are on the stage, flat or turned in space.

const TILT = { yaw: -0.5, pitch: 0.42 };

/** Places in pixels for a stage of this size; `turn` is absent for the flat drawing. */
function placesOf(graph, width, height, turn) {
  const x = new Float32Array(graph.nodes.length);
  const y = new Float32Array(graph.nodes.length);
  graph.nodes.forEach((node, n) => {
    [x[n], y[n]] = turn ? inSpace(graph, node, width, height, turn) : [(node.x / graph.width) * width, (node.y / graph.height) * height];
  });
  const planes = graph.solid ? graph.rows.map((row, r) => cornersOf(graph, row, r, width, height, turn)) : [];
  return { x, y, planes };
}

/** The corners of a row's plane. */
function cornersOf(graph, row, r, width, height, turn) {
  if (!turn) return row.corners.map(([x, y]) => [(x / graph.width) * width, (y / graph.height) * height]);
  const around = [[0, 0], [1, 0], [1, 1], [0, 1]];
  return around.map((plane) => inSpace(graph, { plane, row: r }, width, height, turn));
}

/** A node of a plane seen from a turned camera, a little smaller when far away. */
function inSpace(graph, node, width, height, { yaw, pitch }) {
  const [u, v] = [node.plane[0] - 0.5, 0.5 - node.plane[1]];
  const floors = Math.max(1, graph.rows.length - 1);
  const level = 0.5 - node.row / floors;
  const across = u * Math.cos(yaw) + v * Math.sin(yaw);
  const deep = v * Math.cos(yaw) - u * Math.sin(yaw);
  const up = level * Math.cos(pitch) * 1.15 + deep * Math.sin(pitch);
  const far = deep * Math.cos(pitch) - level * Math.sin(pitch) * 1.15;
  const size = 1 / (1 - 0.25 * far);
  return [width / 2 + across * size * width * 0.58, height / 2 + up * size * height * 0.56];
}

/** The four points of an edge's curve; a straight one has only two. */
function pointsOf(graph, places, edge, radius) {
  const [a, b] = [graph.from[edge], graph.to[edge]];
  const [x1, y1, x2, y2] = [places.x[a], places.y[a], places.x[b], places.y[b]];
  if (recurs(graph, edge)) return around(x1, y1, x2, y2);
  if (!graph.bent) return [x1, y1, x2, y2];
  const port = graph.port[edge] ? (graph.port[edge] - 2) * 0.7 : 0;
  const end = [x2 + port * radius, y2 + radius * 0.9];
  const reach = Math.abs(end[1] - y1) * 0.45;
  // Edges that pass over rows bow outwards, so that they do not run through other nodes.
  const rows = graph.nodes[b].row - graph.nodes[a].row;
  const bow = rows > 1 ? (x1 + x2 < places.width ? -1 : 1) * 26 * (rows - 1) : 0;
  return [x1, y1 - radius * 0.9, x1 + bow, y1 - reach, end[0] + bow, end[1] + reach, end[0], end[1]];
}

/** Whether an edge leads to the next step of a recurrence: its reader's row is not above its writer's. */
function recurs(graph, edge) {
  return graph.nodes[graph.to[edge]].row <= graph.nodes[graph.from[edge]].row;
}

/** A curve over a row, of a node to itself as a loop. */
function around(x1, y1, x2, y2) {
  const across = Math.abs(x2 - x1);
  const rise = 24 + 0.22 * across;
  const aside = Math.max(0, 32 - across) / 2;
  return [x1, y1, x1 - aside, y1 - rise, x2 + aside, y2 - rise, x2, y2];
}

/** The data of a path along the points of an edge. */
function pathOf(points) {
  const at = points.map((value) => Math.round(value * 10) / 10);
  return at.length === 4 ? `M${at[0]} ${at[1]}L${at[2]} ${at[3]}` : `M${at[0]} ${at[1]}C${at.slice(2).join(" ")}`;
}

/** The square of the distance of a point from an edge. */
function distance2(points, x, y) {
  if (points.length === 4) return segment2(points, x, y);
  let best = Infinity;
  let last = points.slice(0, 2);
  for (let step = 1; step <= 12; step++) {
    const next = onCurve(points, step / 12);
    best = Math.min(best, segment2([...last, ...next], x, y));
    last = next;
  }
  return best;
}

function segment2([x1, y1, x2, y2], x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = dx || dy ? Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy))) : 0;
  return (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2;
}

function onCurve(p, t) {
  const s = 1 - t;
  const mix = (k) => s ** 3 * p[k] + 3 * s * s * t * p[k + 2] + 3 * s * t * t * p[k + 4] + t ** 3 * p[k + 6];
  return [mix(0), mix(1)];
}
