// Words and tables about a node or an edge: for pointing, for pinning, for screen readers.

// Most edges of a node that its table lists.
const MOST_LISTED = 200;

/** The edges at a node that are drawn now, the strongest first. */
function visibleAt(state, node) {
  const isShown = (edge) => edge < state.shown && state.hue[edge] >= 0;
  return [...state.graph.touching(node)].filter(isShown);
}

/** A node in one line. */
function nodeWords(state, n) {
  const node = state.graph.nodes[n];
  const words = [labelOf(node)];
  if (node.name !== node.site) words.push(`in files ${node.site}`);
  if (node.module !== undefined && state.busy[n]) words.push(state.names.of(node.module));
  words.push(`${counted(state.busy[n])} edges shown`);
  if (node.bias !== undefined) words.push(`bias ${shown(node.bias)}`);
  if (node.activation) words.push(`activation ${shown(node.activation[0])} ± ${shown(node.activation[1])} (mean ± sd)`);
  const strongest = ablationsOf(state, n)[0];
  if (strongest) words.push(`ablated: ${shown(strongest.effect)} on ${strongest.output}`);
  return words.join(" · ");
}

/** An edge in one line. */
function edgeWords(state, edge) {
  const words = [edgeLabel(state.graph, edge)];
  const effects = effectsOf(state, edge);
  if (state.graph.measure === "weight") words.push(`weight ${shown(state.graph.value[edge])}`);
  const circuit = state.graph.circuits[state.circuit];
  const here = circuit && effects.find((e) => e.circuit === circuit);
  if (here) words.push(`effect ${shown(here.effect)} on ${circuit.output} (${circuit.method})`);
  else if (effects.length) words.push(`in ${effects.length} of ${state.graph.circuits.length} circuits`);
  return words.join(" · ");
}

/** What ablating a node does to each output, the strongest first. */
function ablationsOf(state, n) {
  const { ablation } = state.graph;
  if (!ablation) return [];
  const row = ablation.outputs.map((output, k) => ({ output, effect: ablation.effects[n * ablation.outputs.length + k] }));
  return row.filter((o) => !Number.isNaN(o.effect)).sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
}

/** The effect of an edge in every circuit that has it. */
function effectsOf(state, edge) {
  return state.graph.circuits.flatMap((circuit) => {
    const effect = circuit.effect.get(edge);
    return effect === undefined ? [] : [{ circuit, effect }];
  });
}

/** Fills the part of the page about what is pinned. */
function fillDetail(state, panel, go) {
  const { node, edge } = state.pin;
  panel.hidden = node < 0 && edge < 0;
  if (node >= 0) panel.replaceChildren(...nodeDetail(state, node, go));
  else if (edge >= 0) panel.replaceChildren(...edgeDetail(state, edge, go));
  else panel.replaceChildren();
  for (const table of panel.querySelectorAll("table")) makeSortable(table);
}

/** A button that takes a site or an edge out of the network that the page runs, or brings it back. */
function outButton(state, kind, what, words) {
  if (!state.live) return [];
  const isOut = state[kind].has(what);
  const toggled = () => {
    const next = new Set(state[kind]);
    if (!next.delete(what)) next.add(what);
    state.edit({ [kind]: next });
  };
  return [make("p", {}, make("button", { type: "button", "aria-pressed": String(isOut), click: toggled }, isOut ? "Bring it back" : words))];
}

function nodeDetail(state, n, go) {
  const parts = [make("h3", {}, labelOf(state.graph.nodes[n])), make("p", { class: "quiet" }, nodeWords(state, n))];
  if (state.graph.nodes[n].row + 1 < state.graph.rows.length) parts.push(...outButton(state, "off", n, "Ablate it"));
  parts.push(...unitPictures(state, n));
  const edges = visibleAt(state, n);
  const listed = edges.slice(0, MOST_LISTED);
  const rest = edges.length > listed.length ? `, the strongest ${MOST_LISTED} of ${counted(edges.length)}` : "";
  if (listed.length) parts.push(edgeTable(state, n, listed, `Edges in and out that are shown${rest}`, go));
  const ablations = ablationsOf(state, n);
  if (ablations.length) {
    const rows = ablations.map(({ output, effect }) => [output, effect]);
    parts.push(smallTable(`Effect of ablating it: ${state.graph.ablation.words}`, ["Output", "Effect"], rows));
  }
  return [...parts, ...sampleTables(state, n)];
}

function edgeTable(state, n, edges, caption, go) {
  const { graph } = state;
  const circuit = graph.circuits[state.circuit];
  const isWeight = graph.measure === "weight";
  const heads = ["Way", "Site", isWeight ? "Weight" : "Effect"];
  if (isWeight && circuit) heads.push("Effect");
  const rows = edges.map((edge) => {
    const goesOut = graph.from[edge] === n;
    const other = goesOut ? graph.to[edge] : graph.from[edge];
    const port = PORTS[graph.port[edge]];
    const value = isWeight ? graph.value[edge] : (circuit?.effect.get(edge) ?? graph.value[edge]);
    const row = [`${goesOut ? "out to" : "in from"}${port ? ` ⟨${port}⟩` : ""}`, jump(labelOf(graph.nodes[other]), () => go(other)), value];
    if (isWeight && circuit) row.push(circuit.effect.get(edge));
    return row;
  });
  return smallTable(caption, heads, rows);
}

function jump(text, click) {
  return make("button", { type: "button", class: "jump", click }, text);
}

function edgeDetail(state, edge, go) {
  const { graph } = state;
  const ends = [graph.from[edge], graph.to[edge]].map((n) => jump(labelOf(graph.nodes[n]), () => go(n)));
  const parts = [make("h3", {}, edgeLabel(graph, edge)), make("p", { class: "quiet" }, edgeWords(state, edge)), make("p", {}, ...ends)];
  parts.push(...outButton(state, "cut", edge, "Cut it"));
  const rows = effectsOf(state, edge).map(({ circuit, effect }) => [circuit.output, circuit.method, effect]);
  if (rows.length) parts.push(smallTable("Its effect in the circuits that have it", ["Output", "Method", "Effect"], rows));
  return parts;
}

/** A table whose numbers keep their unrounded value to sort by. */
function smallTable(caption, heads, rows) {
  const cell = (value) => {
    if (value instanceof Node || typeof value === "string") return make("td", {}, value);
    return make("td", { "data-key": value ?? "-inf" }, shown(value));
  };
  const isNumber = (k) => rows.some((row) => typeof row[k] === "number");
  const head = make("tr", {}, ...heads.map((text, k) => make("th", { scope: "col", class: isNumber(k) && "num" }, text)));
  const body = rows.map((row) => make("tr", {}, ...row.map(cell)));
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "scroll", role: "group", tabindex: 0, "aria-label": caption }, table);
}
