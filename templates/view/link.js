// What the reader looks at as an address: threshold, circuit, colours, and what is taken out.

const HERE = "#view:";

/** The address of a state; empty for the one that the page opens with. */
function linkOf({ graph, stop, circuit, colour, off, cut, name }) {
  const words = new URLSearchParams();
  const site = (n) => graph.nodes[n].site;
  if (stop !== graph.start) words.set("t", graph.stops[stop].threshold);
  if (graph.measure === "weight" && circuit >= 0) words.set("circuit", circuit);
  if (colour !== "sign") words.set("colour", colour);
  if (off.size) words.set("off", [...off].map(site).join(" "));
  if (cut.size) words.set("cut", [...cut].map((e) => `${site(graph.from[e])}>${site(graph.to[e])}`).join(" "));
  if (name && words.toString()) words.set("name", name);
  return words.toString();
}

/** Keeps the address in step, so that it can be handed on. */
function keepLink(state) {
  const link = linkOf(state);
  if (!link && !location.hash.startsWith(HERE)) return;
  try {
    history.replaceState(null, "", link ? `${HERE}${link}` : location.href.split("#")[0]);
  } catch {
    // Some browsers let no file change its address; the view works without.
  }
}

/** The state that an address names; what it does not name is as at first. */
function stateOf(graph, hash) {
  const words = new URLSearchParams(hash.slice(HERE.length));
  const node = new Map(graph.nodes.map(({ site }, n) => [site, n]));
  const listed = (key) => (words.get(key) ?? "").split(" ").filter(Boolean);
  const edges = new Map();
  const wanted = new Set(listed("cut"));
  if (wanted.size) for (let e = 0; e < graph.count; e++) edges.set(`${graph.nodes[graph.from[e]].site}>${graph.nodes[graph.to[e]].site}`, e);
  const threshold = Number(words.get("t") ?? NaN);
  const stop = graph.stops.findIndex((s) => s.threshold >= threshold);
  const circuit = Number(words.get("circuit") ?? -1);
  return {
    stop: stop < 0 ? graph.start : stop,
    circuit: graph.circuits[circuit] ? circuit : newState(graph).circuit,
    colour: ["module", "effect", "circuit"].includes(words.get("colour")) ? words.get("colour") : "sign",
    name: (words.get("name") ?? "").slice(0, 60),
    off: new Set(listed("off").map((site) => node.get(site)).filter((n) => n !== undefined)),
    cut: new Set([...wanted].map((ends) => edges.get(ends)).filter((e) => e !== undefined)),
  };
}
