// What colour and strength edges and nodes have, by what the reader asked for.

const HUES = 8;
const COLOURS = ["pos", "neg", "pale", "ink", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"];
const PALE = 2;
const INK = 3;
const FIRST_HUE = 4;

/** The colours of the page as it is now, light or dark. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  return COLOURS.map((name) => style.getPropertyValue(`--${name}`).trim());
}

/** Strong edges stand out the more, the more edges there are. */
function powerFor(count) {
  return count <= 200 ? 0.5 : count <= 1500 ? 0.75 : count <= 30000 ? 1 : 2;
}

/** The widest and the faintest line for so many edges, as in the printed figure. */
function penFor(count) {
  if (count <= 200) return { widest: 5.5, thinnest: 0.8, faintest: 0.75 };
  if (count <= 1500) return { widest: 5.5, thinnest: 0.5, faintest: 0.4 };
  if (count <= 6000) return { widest: 3.8, thinnest: 0.35, faintest: 0.2 };
  if (count <= 30000) return { widest: 3.3, thinnest: 0.25, faintest: 0.08 };
  return { widest: 2, thinnest: 0.2, faintest: 0.03 };
}

function bySign(value) {
  return value < 0 ? 1 : 0;
}

/** For every edge the circuit it is in: -1 none, -2 several outputs'. */
function ownersOf(graph) {
  const owner = new Int16Array(graph.count).fill(-1);
  const method = graph.circuits[0]?.method;
  const outputs = [...new Set(graph.circuits.map((circuit) => circuit.output))];
  for (const circuit of graph.circuits.filter((c) => c.method === method)) {
    const mine = outputs.indexOf(circuit.output);
    for (const edge of circuit.effect.keys()) owner[edge] = owner[edge] === -1 ? mine : -2;
  }
  return { owner, outputs, method };
}

/** A function from an edge to `[colour, strength]`; colour -1 is not drawn. */
function edgeLook(state) {
  const { graph } = state;
  const circuit = graph.circuits[state.circuit];
  const power = powerFor(circuit ? circuit.effect.size : state.shown);
  const strongest = Math.abs(graph.value[0]) || 1;
  const strength = (edge) => (Math.abs(graph.value[edge]) / strongest) ** power;
  if (graph.measure === "effect") return effectLook(state, circuit, power);
  if (circuit) {
    return (edge) => {
      const effect = circuit.effect.get(edge);
      if (effect === undefined) return [PALE, 0];
      if (state.colour === "effect") return [bySign(effect), (Math.abs(effect) / circuit.largest) ** power];
      return [hueOf(state, edge, graph.value[edge]), strength(edge)];
    };
  }
  return (edge) => [hueOf(state, edge, graph.value[edge]), strength(edge)];
}

/** Where values are effects, edges outside the circuit or below the threshold are not drawn. */
function effectLook(state, circuit, power) {
  const { graph } = state;
  const threshold = graph.stops[state.stop].threshold;
  const largest = circuit ? circuit.largest : Math.abs(graph.value[0]);
  return (edge) => {
    const effect = circuit ? circuit.effect.get(edge) : graph.value[edge];
    if (effect === undefined || Math.abs(effect) < threshold) return [-1, 0];
    return [hueOf(state, edge, effect), (Math.abs(effect) / largest) ** power];
  };
}

function hueOf(state, edge, value) {
  const { graph } = state;
  if (state.colour === "module") {
    const [a, b] = [moduleOf(state, graph.from[edge]), moduleOf(state, graph.to[edge])];
    return a !== undefined && a === b ? FIRST_HUE + (a % HUES) : PALE;
  }
  if (state.colour === "circuit") {
    const owner = state.owners.owner[edge];
    return owner === -1 ? PALE : owner === -2 ? INK : FIRST_HUE + (owner % HUES);
  }
  return bySign(value);
}

/** The module of a node after the reader's grouping. */
function moduleOf(state, node) {
  const { module } = state.graph.nodes[node];
  return module === undefined ? undefined : state.names.leader(module);
}

/** The class and opacity of a node: by module, or by the effect of ablating it. */
function nodeLook(state, node) {
  if (state.off.has(node)) return { class: "node off", opacity: 0, size: 1 };
  if (!state.busy[node]) return { class: "node alone", opacity: 1, size: 0.45 };
  if (state.colour === "effect" && state.graph.ablation) return ablationLook(state, node);
  const module = moduleOf(state, node);
  if (module === undefined) return { class: "node free", opacity: 1, size: 0.8 };
  return { class: `node m${module % HUES}${module >= HUES ? " ring" : ""}`, opacity: 1, size: 1, module };
}

function ablationLook(state, node) {
  const { ablation } = state.graph;
  const output = Math.max(0, ablation.outputs.indexOf(state.graph.circuits[state.circuit]?.output));
  const effect = ablation.effects[node * ablation.outputs.length + output];
  if (Number.isNaN(effect)) return { class: "node free", opacity: 0.5, size: 0.8 };
  const share = Math.sqrt(Math.abs(effect) / (state.largestAblation[output] || 1));
  return { class: `node ${effect < 0 ? "harm" : "help"}`, opacity: 0.15 + 0.85 * share, size: 1 };
}

/** The largest effect of ablation on each output. */
function largestAblations({ ablation }) {
  if (!ablation) return [];
  const largest = ablation.outputs.map(() => 0);
  ablation.effects.forEach((effect, k) => {
    const output = k % largest.length;
    if (Math.abs(effect) > largest[output]) largest[output] = Math.abs(effect);
  });
  return largest;
}
