// The graph that the page carries: base64 becomes typed arrays once.

function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}

function wholesOf(base64) {
  return new Uint32Array(bytesOf(base64).buffer);
}

const PORTS = ["", "q", "k", "v"];

function readGraph(data) {
  const { edges } = data;
  const graph = {
    ...data,
    measure: data.value,
    count: edges.count,
    from: wholesOf(edges.from),
    to: wholesOf(edges.to),
    value: floatsOf(edges.value),
    bridges: new Set(data.bridges),
    port: edges.port ? bytesOf(edges.port) : new Uint8Array(edges.count),
    circuits: data.circuits.map(readCircuit),
    samples: readSamples(data.samples),
    ablation: data.ablation && { ...data.ablation, effects: floatsOf(data.ablation.effects) },
  };
  graph.touching = touching(graph);
  return graph;
}

/** A circuit with the effect of an edge by the edge's index. */
function readCircuit(circuit) {
  const effects = floatsOf(circuit.effects);
  const effect = new Map();
  wholesOf(circuit.edges).forEach((edge, k) => effect.set(edge, effects[k]));
  const largest = effects.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { ...circuit, effect, largest };
}

/** The edges at each node, the strongest first: `of(node)` is a list of indices. */
function touching(graph) {
  const starts = new Uint32Array(graph.nodes.length + 1);
  for (let e = 0; e < graph.count; e++) {
    starts[graph.from[e] + 1]++;
    starts[graph.to[e] + 1]++;
  }
  for (let n = 0; n < graph.nodes.length; n++) starts[n + 1] += starts[n];
  const next = starts.slice();
  const list = new Uint32Array(2 * graph.count);
  for (let e = 0; e < graph.count; e++) {
    list[next[graph.from[e]]++] = e;
    list[next[graph.to[e]]++] = e;
  }
  return (node) => list.subarray(starts[node], starts[node + 1]);
}

/** The own name: a place in files is told in tooltips alone. */
function labelOf(node) {
  return node.name;
}

function edgeLabel(graph, edge) {
  const port = PORTS[graph.port[edge]];
  const to = labelOf(graph.nodes[graph.to[edge]]);
  return `${labelOf(graph.nodes[graph.from[edge]])} → ${to}${port ? ` ⟨${port}⟩` : ""}`;
}
