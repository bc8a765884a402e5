// What a neuron of a small MLP does: its activation against what comes in, sample by sample.

// Inputs that a neuron is drawn against: those that its activation goes with most.
const MOST_AGAINST = 3;

// Dots of a picture, and products of weights and samples that they may take.
const MOST_DOTS = 400;
const DOTS_AT_ONCE = 4e6;

const UNIT = { wide: 200, tall: 132, left: 8, right: 8, top: 18, bottom: 20 };

/** Pictures of what a pinned neuron does in the network as it is edited now. */
function unitPictures(state, n) {
  const { live, graph } = state;
  const layer = graph.nodes[n].row;
  if (!live || layer === 0) return [];
  const cost = live.weights.reduce((sum, w) => sum + w.length, 1);
  const count = Math.max(20, Math.min(MOST_DOTS, Math.floor(DOTS_AT_ONCE / cost)));
  const inputs = live.inputs.map((input) => input.subarray(0, count));
  const kept = keptWeights(live, editsOf(state));
  const sums = valuesBehind(live, kept, inputs, layer, true)[n - live.first[layer]];
  const isOutput = layer + 1 === graph.rows.length;
  const after = isOutput ? sums : sums.map(live.activation);
  const pictures = strongestInputs(inputs, after).map((k) => unitPicture(inputs[k], after, labelOf(graph.nodes[k])));
  if (!isOutput) pictures.unshift(unitPicture(sums, after, "weighted sum", live.activation));
  const words = `${isOutput ? "Output" : "Activation"} of ${counted(sums.length)} samples, as the network is now, against:`;
  return [make("p", { class: "quiet" }, words), make("div", { class: "units" }, ...pictures)];
}

/** The inputs whose size, or distance from their mean, goes with these values most. */
function strongestInputs(inputs, values) {
  const ranked = inputs.map((x, k) => {
    const mean = meanOf(x);
    return [k, Math.max(likeness(x, values), likeness(x.map((v) => Math.abs(v - mean)), values))];
  });
  const known = ranked.filter(([, size]) => size > 0.1).sort((a, b) => b[1] - a[1]);
  return known.slice(0, MOST_AGAINST).map(([k]) => k);
}

function meanOf(values) {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

/** |correlation|; 0 where one of both is constant. */
function likeness(x, y) {
  const [mx, my] = [meanOf(x), meanOf(y)];
  let [xx, yy, xy] = [0, 0, 0];
  x.forEach((v, k) => {
    xx += (v - mx) ** 2;
    yy += (y[k] - my) ** 2;
    xy += (v - mx) * (y[k] - my);
  });
  return xx > 0 && yy > 0 ? Math.abs(xy) / Math.sqrt(xx * yy) : 0;
}

/** Dots of `y` against `x`, and the function that makes one of the other where it is known. */
function unitPicture(x, y, name, made) {
  const { wide, tall, left, right, top, bottom } = UNIT;
  const [[x0, x1], [y0, y1]] = [endsOf(x), endsOf(y)];
  const across = (v) => left + ((v - x0) / (x1 - x0)) * (wide - left - right);
  const up = (v) => tall - bottom - ((v - y0) / (y1 - y0)) * (tall - top - bottom);
  const words = `Against ${name}: from ${shown(y0, 3)} to ${shown(y1, 3)}`;
  const svg = draw("svg", { class: "fig unit", viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img", "aria-label": words });
  if (y0 <= 0 && y1 >= 0) svg.append(draw("line", { class: "grid", x1: left, x2: wide - right, y1: up(0), y2: up(0) }));
  if (made) {
    const points = Array.from({ length: 61 }, (_, k) => x0 + ((x1 - x0) * k) / 60);
    svg.append(draw("path", { class: "curve a", d: `M${points.map((v) => `${across(v).toFixed(1)} ${up(made(v)).toFixed(1)}`).join("L")}` }));
  }
  x.forEach((v, k) => svg.append(draw("circle", { class: "mark", cx: across(v).toFixed(1), cy: up(y[k]).toFixed(1), r: 1.6, "fill-opacity": 0.55 })));
  const label = (at, y, kind, text) => draw("text", { x: at, y, class: `small ${kind}` }, text);
  svg.append(label(left, 11, "quiet", shown(y1, 3)), label(left, tall - 5, "quiet", shown(x0, 3)));
  svg.append(label(wide / 2, tall - 5, "mid", name.length > 16 ? `${name.slice(0, 15)}…` : name), label(wide - right, tall - 5, "quiet end", shown(x1, 3)));
  return svg;
}

/** Smallest and largest; a little apart where all are equal. */
function endsOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high > low ? [low, high] : [low - 1, high + 1];
}
