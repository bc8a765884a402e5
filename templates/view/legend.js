// What the colours mean now, in words beside them.

/** A line or disc of a colour with its meaning. */
function sample(kind, colour, meaning) {
  return make("li", {}, make("span", { class: `${kind} ${colour}`, "aria-hidden": "true" }), meaning);
}

/** The key for the edges and nodes as they are coloured. */
function legendOf(state) {
  const { graph } = state;
  const effects = graph.measure === "effect" || state.colour === "effect";
  const what = effects ? "effect" : "weight";
  let edges = [sample("line", "pos", `positive ${what}`), sample("line", "neg", `negative ${what}`)];
  if (state.colour === "sign" && state.circuit < 0 && graph.bridges.size) edges.push(sample("line dotted", "pos", "faint: still joins parts that a higher threshold separates"));
  if (state.colour === "module") edges = [sample("line", "pale", "between modules; inside, in the module's colour")];
  if (state.colour === "circuit") edges = ownerSamples(state);
  else if (state.circuit >= 0 && graph.measure === "weight") edges.push(sample("line", "pale", "not in this circuit"));
  if (graph.bent) edges.push(sample("line solid", "ink", "into queries or a single input"), sample("line dashed", "ink", "into keys"), sample("line dotted", "ink", "into values"));
  return [...edges, ...nodeSamples(state)];
}

function ownerSamples({ owners, graph }) {
  const shared = graph.circuits.length > 1 ? [sample("line", "ink", "in circuits of several outputs")] : [];
  const each = owners.outputs.map((output, k) => sample("line", `m${k % HUES}`, output));
  return [...each, ...shared, sample("line", "pale", `in no circuit (${owners.method})`)];
}

// More modules than this are not listed one by one.
const MOST_SAMPLES = 8;

function nodeSamples(state) {
  const { graph } = state;
  if (state.colour === "effect" && graph.ablation) {
    return [sample("swatch", "pos", "ablating it lowers the metric"), sample("swatch", "neg", "raises it")];
  }
  const modules = new Set();
  graph.nodes.forEach((node, n) => node.module !== undefined && state.busy[n] && modules.add(moduleOf(state, n)));
  const listed = [...modules].sort((a, b) => a - b).slice(0, MOST_SAMPLES);
  const samples = listed.map((module) => sample("swatch", `m${module % HUES}`, state.names.of(module)));
  if (modules.size > listed.length) samples.push(make("li", {}, `${modules.size - listed.length} more modules`));
  return samples;
}
