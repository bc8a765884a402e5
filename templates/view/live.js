// The network run again in the page: weights, samples and activation come with the result.

const ACTIVATIONS = {
  identity: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  silu: (x) => x / (1 + Math.exp(-x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

// Products of weights that are left and samples up to which a run follows a change at once.
const AT_ONCE = 3e6;

// So long after the last change a larger one runs.
const PAUSE = 150;

/** What a run needs; undefined where the result does not have it. */
async function readLive() {
  const result = await resultObject();
  if (!result) return undefined;
  const { network, replay, checkpoint, data } = result;
  const activation = ACTIVATIONS[checkpoint.activation];
  const isWhole = network.layers.length > 1 && network.weights.every((w) => w.length && !w.includes(null)) && !network.links.length;
  if (!replay || !activation || !isWhole) return undefined;
  const widths = network.layers.map((layer) => layer.sites.length);
  const first = widths.map((_, l) => widths.slice(0, l).reduce((sum, width) => sum + width, 0));
  const live = {
    widths,
    first,
    activation,
    loss: data.loss,
    names: network.layers.at(-1).sites.map((site) => site.name),
    weights: network.weights.map((w) => Float64Array.from(w)),
    biases: network.layers.slice(1).map((layer) => Float64Array.from(layer.sites, (site) => site.bias)),
    inputs: columnsOf(replay.inputs),
    classes: replay.classes,
    targets: replay.targets && columnsOf(replay.targets),
  };
  live.whole = measured(live, runOf(live, { threshold: 0, off: new Set(), cut: new Set() }));
  return live;
}

/** Rows as columns, of which each is read at once. */
function columnsOf(rows) {
  return rows[0].map((_, k) => Float64Array.from(rows, (row) => row[k]));
}

/** The outputs, each on all samples, without small weights, the sites `off` and the edges `cut`. */
function runOf(live, edits) {
  const kept = keptWeights(live, edits);
  return valuesBehind(live, kept, live.inputs, kept.length);
}

/** What is left of the weights: per layer and reader its writers, each with its weight behind it. */
function keptWeights({ widths, first, weights }, { threshold, off, cut }) {
  return weights.map((weight, layer) => {
    const writers = widths[layer];
    const rows = Array.from({ length: widths[layer + 1] }, () => []);
    weight.forEach((w, k) => {
      if (w === 0 || Math.abs(w) < threshold) return;
      const [writer, reader] = [k % writers, Math.floor(k / writers)];
      const [from, to] = [first[layer] + writer, first[layer + 1] + reader];
      if (!off.has(from) && !(cut.size && cut.has(`${from}>${to}`))) rows[reader].push(writer, w);
    });
    return rows;
  });
}

/** The values behind so many layers of weights, site by site; with `sums`, before the last activation. */
function valuesBehind({ biases, activation }, kept, inputs, depth, sums = false) {
  const count = inputs[0].length;
  let values = inputs;
  for (let layer = 0; layer < depth; layer++) {
    const isSum = layer + 1 === kept.length || (sums && layer + 1 === depth);
    values = Array.from(biases[layer], (bias, reader) => {
      const row = kept[layer][reader];
      if (!row.length) return new Float64Array(count).fill(isSum ? bias : activation(bias));
      const sum = new Float64Array(count).fill(bias);
      for (let k = 0; k < row.length; k += 2) addTo(sum, row[k + 1], values[row[k]]);
      return isSum ? sum : sum.map(activation);
    });
  }
  return values;
}

function addTo(sum, weight, values) {
  for (let s = 0; s < sum.length; s++) sum[s] += weight * values[s];
}

/** What outputs decide on a sample: the largest; of one logit its sign. */
function decisionOf(outputs, s) {
  if (outputs.length === 1) return Number(outputs[0][s] > 0);
  let best = 0;
  for (let k = 1; k < outputs.length; k++) if (outputs[k][s] > outputs[best][s]) best = k;
  return best;
}

/** Metric and loss of outputs. */
function measured(live, outputs) {
  const { classes, targets } = live;
  const samples = outputs[0].map((_, s) => s);
  const mean = (of) => samples.reduce((sum, s) => sum + of(s), 0) / samples.length;
  const found = { outputs, decisions: classes && samples.map((s) => decisionOf(outputs, s)) };
  if (classes) found.accuracy = mean((s) => Number(found.decisions[s] === classes[s]));
  if (live.loss === "cross-entropy") found.loss = mean((s) => surprise(outputs, s, classes[s]));
  if (live.loss === "mse-onehot") found.loss = mean((s) => squares(outputs, s, (k) => Number(k === classes[s])));
  if (live.loss === "mse" && targets) found.loss = mean((s) => squares(outputs, s, (k) => targets[k][s]));
  return found;
}

/** −log of the probability of a class; one logit stands against 0. */
function surprise(outputs, s, label) {
  const isLone = outputs.length === 1;
  let most = isLone ? 0 : -Infinity;
  for (const output of outputs) most = Math.max(most, output[s]);
  let sum = isLone ? Math.exp(-most) : 0;
  for (const output of outputs) sum += Math.exp(output[s] - most);
  return most + Math.log(sum) - (isLone ? label * outputs[0][s] : outputs[label][s]);
}

function squares(outputs, s, target) {
  return outputs.reduce((sum, output, k) => sum + (output[s] - target(k)) ** 2, 0) / outputs.length;
}

/** The network as it is edited now, beside the whole one. */
function compared(live, edits) {
  const { whole } = live;
  const now = measured(live, runOf(live, edits));
  const changes = now.outputs.map((output, k) => output.reduce((most, y, s) => Math.max(most, Math.abs(y - whole.outputs[k][s])), 0));
  const changed = now.decisions && now.decisions.filter((d, s) => d !== whole.decisions[s]).length;
  return { ...now, changes, changed };
}

/** Edits of the reader as a run takes them. */
function editsOf({ graph, stop, off, cut }) {
  const edges = new Set([...cut].map((edge) => `${graph.from[edge]}>${graph.to[edge]}`));
  return { threshold: graph.stops[stop].threshold, off, cut: edges };
}

/** The line that says what the network does as it is edited; runs when something changed. */
function liveLine(state) {
  const words = make("span", {});
  const back = make("button", { type: "button", class: "small", click: () => state.edit({ off: new Set(), cut: new Set() }) }, "Bring all back");
  const element = make("p", { class: "view-live", hidden: true, role: "status" }, words, " ", back);
  let [last, timer] = ["", 0];
  const run = () => {
    const found = compared(state.live, editsOf(state));
    words.textContent = liveWords(state, found);
    Object.assign(element.dataset, { changes: JSON.stringify(found.changes), loss: found.loss, accuracy: found.accuracy, changed: found.changed });
  };
  const update = () => {
    element.hidden = !state.live;
    if (!state.live) return;
    back.hidden = !state.off.size && !state.cut.size;
    const now = JSON.stringify([state.stop, [...state.off], [...state.cut]]);
    if (now === last) return;
    last = now;
    clearTimeout(timer);
    const cost = state.live.inputs[0].length * state.graph.stops[state.stop].shown;
    if (cost <= AT_ONCE) run();
    else timer = setTimeout(run, PAUSE);
  };
  return { element, update };
}

function liveWords(state, { changes, loss, accuracy, changed }) {
  const { whole, names, inputs } = state.live;
  const parts = [`Run here on ${counted(inputs[0].length)} samples`];
  const several = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
  if (state.off.size) parts.push(`${several(state.off.size, "site")} ablated (zero)`);
  if (state.cut.size) parts.push(`${several(state.cut.size, "edge")} cut`);
  if (accuracy !== undefined) parts.push(`accuracy ${shown(accuracy)} (whole ${shown(whole.accuracy)}), ${changed} decisions changed`);
  if (loss !== undefined) parts.push(`loss ${shown(loss)} (whole ${shown(whole.loss)})`);
  const moved = names.length <= 4 ? names.map((name, k) => `${name} ${shown(changes[k], 3)}`).join(", ") : shown(Math.max(...changes));
  return `${parts.join(" · ")} · largest change: ${moved}`;
}
