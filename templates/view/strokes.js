// Edges drawn: as elements while they are few, as a bitmap when they are many.

// Measured: drawing anew takes 10 ms for a bitmap and 45 for 3,000 elements.
const MOST_ELEMENTS = 1200;

// While the drawing turns only the strongest edges are drawn.
const MOST_TURNING = 4000;

// Strengths that a bitmap tells apart.
const STEPS = 16;

/** Colour and strength of every edge that may be drawn, and how many each node has. */
function lookAtAll(state) {
  const { graph } = state;
  const look = edgeLook(state);
  state.hue = new Int8Array(graph.count).fill(-1);
  state.strength = new Float32Array(graph.count);
  state.busy = new Uint32Array(graph.nodes.length);
  state.visible = 0;
  for (let edge = 0; edge < state.shown; edge++) {
    const [hue, strength] = isOut(state, edge) ? [PALE, 0] : look(edge);
    state.hue[edge] = hue;
    state.strength[edge] = strength;
    if (hue < 0) continue;
    state.visible++;
    if (state.circuit >= 0 && hue === PALE && strength === 0) continue;
    state.busy[graph.from[edge]]++;
    state.busy[graph.to[edge]]++;
  }
}

/** Whether the reader took an edge out, or the site that writes it. */
function isOut({ graph, off, cut }, edge) {
  return cut.has(edge) || off.has(graph.from[edge]);
}

/** Width and opacity of an edge: the more there are, the more the weak ones recede. */
function penOf(state) {
  const pen = penFor(state.circuit >= 0 ? state.graph.circuits[state.circuit].effect.size : state.visible);
  return (hue, strength) => {
    if (hue === PALE) return { width: Math.min(1, pen.thinnest + 0.4), opacity: 0.5 };
    const width = pen.thinnest + (pen.widest - pen.thinnest) * strength;
    return { width, opacity: pen.faintest + (1 - pen.faintest) * strength };
  };
}

/** The edges to draw, pale ones first, then from faint to strong. */
function drawnEdges(state) {
  const most = state.turning ? Math.min(state.shown, MOST_TURNING) : state.shown;
  const [pale, bright] = [[], []];
  for (let edge = most - 1; edge >= 0; edge--) {
    if (state.hue[edge] >= 0) (state.hue[edge] === PALE ? pale : bright).push(edge);
  }
  return pale.concat(bright);
}

/** One element per edge, moved by its group's transform. */
function elementPainter(group) {
  return {
    paint(state, edges) {
      const pen = penOf(state);
      const line = (edge) => {
        const { width, opacity } = pen(state.hue[edge], state.strength[edge]);
        return draw("path", {
          d: pathOf(pointsOf(state.graph, state.places, edge, state.radius)),
          class: classOf(state, edge),
          "stroke-width": width.toFixed(2),
          "stroke-opacity": opacity.toFixed(2),
        });
      };
      group.replaceChildren(...edges.map(line));
    },
    move({ scale, x, y }) {
      group.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    },
    clear() {
      group.replaceChildren();
    },
  };
}

/** Colour, the input it feeds, and whether it alone still joins parts. */
function classOf(state, edge) {
  const isBridge = state.colour === "sign" && state.circuit < 0 && state.graph.bridges.has(edge);
  return `edge ${isBridge ? "bridge " : ""}${COLOURS[state.hue[edge]]} port${state.graph.port[edge]}`;
}

// The bitmap reaches this share of the stage beyond each of its sides.
const BEYOND = 0.25;

/** All edges in one bitmap, which the browser moves while it stays sharp enough. */
function bitmapPainter(canvas) {
  const context = canvas.getContext("2d");
  let drawn = newCamera();
  return {
    paint(state, edges) {
      const { width, height } = state.places;
      const density = Math.min(2, devicePixelRatio || 1);
      drawn = { ...state.camera };
      canvas.width = width * (1 + 2 * BEYOND) * density;
      canvas.height = height * (1 + 2 * BEYOND) * density;
      canvas.style.width = `${width * (1 + 2 * BEYOND)}px`;
      canvas.style.left = `${-width * BEYOND}px`;
      canvas.style.top = `${-height * BEYOND}px`;
      const scale = density * drawn.scale;
      context.setTransform(scale, 0, 0, scale, (drawn.x + width * BEYOND) * density, (drawn.y + height * BEYOND) * density);
      for (const batch of batches(state, edges)) strokeBatch(context, state, batch, drawn.scale);
      this.move(state.camera);
    },
    move({ scale, x, y }) {
      const by = scale / drawn.scale;
      canvas.style.transformOrigin = "0 0";
      const [left, top] = [parseFloat(canvas.style.left), parseFloat(canvas.style.top)];
      const shift = (now, then, corner) => now - then * by - corner + corner * by;
      canvas.style.transform = `translate(${shift(x, drawn.x, left)}px, ${shift(y, drawn.y, top)}px) scale(${by})`;
    },
    isSharp: ({ scale, x, y }, places) =>
      scale === drawn.scale && Math.abs(x - drawn.x) < places.width * BEYOND && Math.abs(y - drawn.y) < places.height * BEYOND,
    clear() {
      canvas.width = canvas.height = 0;
    },
  };
}

/** Edges of one colour and about one strength together, from faint to strong. */
function batches(state, edges) {
  const bins = new Map();
  for (const edge of edges) {
    const hue = state.hue[edge];
    const step = hue === PALE ? -1 : Math.round(state.strength[edge] * STEPS);
    const key = step * COLOURS.length + hue;
    if (!bins.has(key)) bins.set(key, { hue, step, edges: [] });
    bins.get(key).edges.push(edge);
  }
  // Colours take turns at being on top, so that none hides the other.
  const turn = ({ hue, step }) => (step % 2 ? -hue : hue);
  return [...bins.values()].sort((a, b) => a.step - b.step || turn(a) - turn(b));
}

// A path of more lines than this takes longer than its parts.
const LONGEST_PATH = 400;

function strokeBatch(context, state, { hue, step, edges }, scale) {
  const { width, opacity } = penOf(state)(hue, Math.max(0, step) / STEPS);
  context.strokeStyle = state.colours[hue];
  context.globalAlpha = opacity;
  context.lineWidth = width / Math.sqrt(scale);
  for (let start = 0; start < edges.length; start += LONGEST_PATH) {
    context.beginPath();
    for (const edge of edges.slice(start, start + LONGEST_PATH)) trace(context, state, edge);
    context.stroke();
  }
}

function trace(context, { graph, places, radius }, edge) {
  if (!graph.bent && !recurs(graph, edge)) {
    const [a, b] = [graph.from[edge], graph.to[edge]];
    context.moveTo(places.x[a], places.y[a]);
    context.lineTo(places.x[b], places.y[b]);
    return;
  }
  const p = pointsOf(graph, places, edge, radius);
  context.moveTo(p[0], p[1]);
  context.bezierCurveTo(p[2], p[3], p[4], p[5], p[6], p[7]);
}
