// Edges drawn: as elements while they are few, as a bitmap when they are many.

// Measured: up to about this many elements a pan stays fluid.
const MOST_ELEMENTS = 3000;

// While the drawing turns only the strongest edges are drawn.
const MOST_TURNING = 4000;

const WIDTHS = 10;

/** The edges to draw, faint ones first, with width and colour. */
function strokesOf(state, look) {
  const most = state.turning ? Math.min(state.shown, MOST_TURNING) : state.shown;
  const pen = penFor(state.circuit >= 0 ? state.graph.circuits[state.circuit].effect.size : state.shown);
  const pale = [];
  const strokes = [];
  for (let edge = most - 1; edge >= 0; edge--) {
    const [colour, strength] = look(edge);
    if (colour < 0) continue;
    const width = pen.thinnest + (pen.widest - pen.thinnest) * strength;
    const opacity = pen.faintest + (1 - pen.faintest) * strength;
    if (colour === PALE) pale.push({ edge, colour, width: Math.min(width, 1), opacity: 0.5 });
    else strokes.push({ edge, colour, width, opacity });
  }
  return pale.concat(strokes);
}

/** One element per edge, moved by its group's transform. */
function elementPainter(group) {
  return {
    paint(state, strokes) {
      const lines = strokes.map(({ edge, colour, width, opacity }) =>
        draw("path", {
          d: pathOf(pointsOf(state.graph, state.places, edge, state.radius)),
          class: `edge ${COLOURS[colour]} port${state.graph.port[edge]}`,
          "stroke-width": width.toFixed(2),
          "stroke-opacity": opacity.toFixed(2),
        }),
      );
      group.replaceChildren(...lines);
    },
    move({ scale, x, y }) {
      group.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    },
    clear() {
      group.replaceChildren();
    },
  };
}

// The bitmap reaches this share of the stage beyond each of its sides.
const BEYOND = 0.5;

/** All edges in one bitmap, which the browser moves while it stays sharp enough. */
function bitmapPainter(canvas) {
  const context = canvas.getContext("2d");
  let drawn = newCamera();
  return {
    paint(state, strokes) {
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
      for (const batch of batches(strokes)) strokeBatch(context, state, batch, drawn.scale);
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

/** Strokes of one colour and about one width together: few long paths draw fast. */
function batches(strokes) {
  const bins = new Map();
  for (const stroke of strokes) {
    const step = Math.round(stroke.opacity * WIDTHS);
    const key = step * 100 + stroke.colour + (stroke.colour === PALE ? 0 : 10000);
    if (!bins.has(key)) bins.set(key, { ...stroke, edges: [] });
    bins.get(key).edges.push(stroke.edge);
  }
  return [...bins].sort((a, b) => a[0] - b[0]).map(([, batch]) => batch);
}

function strokeBatch(context, state, { edges, colour, width, opacity }, scale) {
  context.strokeStyle = state.colours[colour];
  context.globalAlpha = opacity;
  context.lineWidth = width / Math.sqrt(scale);
  context.beginPath();
  for (const edge of edges) {
    const p = pointsOf(state.graph, state.places, edge, state.radius);
    context.moveTo(p[0], p[1]);
    if (p.length === 4) context.lineTo(p[2], p[3]);
    else context.bezierCurveTo(p[2], p[3], p[4], p[5], p[6], p[7]);
  }
  context.stroke();
}
