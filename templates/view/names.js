// Modules by the names that the reader gives them, and the page saved with those names.

// The page as it came, before the script adds anything: what is saved is this with names in it.
const pristine = document.documentElement.outerHTML;

/** Names and groups, as the page carries them. */
function readNames() {
  const carried = JSON.parse(document.getElementById("module-names").textContent);
  const names = { name: carried.name ?? {}, group: carried.group ?? {}, views: carried.views ?? {} };
  names.leader = (module) => {
    let leader = module;
    for (let step = 0; step < 100 && names.group[leader] !== undefined; step++) leader = names.group[leader];
    return leader;
  };
  names.given = (module) => names.name[names.leader(module)] || (names.leader(module) === module ? undefined : `module ${names.leader(module)}`);
  names.of = (module) => names.name[names.leader(module)] || `module ${names.leader(module)}`;
  return names;
}

/** The list of modules with a field for each name and a choice of what to join it with. */
function modulePanel(state, changed) {
  const sizes = new Map();
  for (const { module } of state.graph.nodes) if (module !== undefined) sizes.set(module, (sizes.get(module) ?? 0) + 1);
  if (!sizes.size) return undefined;
  const modules = [...sizes.keys()].sort((a, b) => a - b);
  const rows = modules.map((module) => moduleRow(state, module, modules, sizes.get(module), changed));
  const keep = make("button", { type: "button", click: () => savePage(state.names) }, "Save this page with the names");
  return make("details", { class: "view-modules" }, make("summary", {}, "Name and group modules"), make("ul", {}, ...rows), keep);
}

function moduleRow(state, module, modules, size, changed) {
  const { names } = state;
  const field = make("input", { type: "text", maxlength: 60, "aria-label": `Name of module ${module}`, placeholder: `module ${module}` });
  field.value = names.name[module] ?? "";
  field.addEventListener("input", () => {
    names.name[module] = field.value.trim();
    changed();
  });
  const options = modules.filter((m) => m !== module && m < module).map((m) => make("option", { value: m }, `with module ${m}`));
  const choice = make("select", { "aria-label": `Group of module ${module}` }, make("option", { value: "" }, "on its own"), ...options);
  choice.value = names.group[module] ?? "";
  choice.addEventListener("change", () => {
    if (choice.value === "") delete names.group[module];
    else names.group[module] = Number(choice.value);
    changed();
  });
  const ablate = make("button", { type: "button", "aria-label": `Ablate module ${module}`, click: () => ablateModule(state, module) }, "Ablate");
  const swatch = make("span", { class: `swatch m${module % HUES}`, "aria-hidden": "true" });
  return make("li", {}, swatch, field, options.length ? choice : undefined, make("span", { class: "quiet" }, `${size} sites`), ablate);
}

/** Takes all sites of a module but outputs out, or brings them back where all are out. */
function ablateModule(state, module) {
  const { graph } = state;
  const mine = graph.nodes.flatMap((node, n) => (node.module === module && node.row + 1 < graph.rows.length ? [n] : []));
  const off = new Set(state.off);
  const areOut = mine.every((n) => off.has(n));
  for (const n of mine) areOut ? off.delete(n) : off.add(n);
  state.edit({ off });
}

/** The page as it came, with the names where the next reader's script finds them. */
function savePage(names) {
  const carried = JSON.stringify({ name: names.name, group: names.group, views: names.views }).replaceAll("<", "\\u003c");
  const start = 'id="module-names">';
  const from = pristine.indexOf(start) + start.length;
  const page = `<!DOCTYPE html>\n${pristine.slice(0, from)}${carried}${pristine.slice(pristine.indexOf("<", from))}`;
  save("index.html", new Blob([page], { type: "text/html" }));
}

const OF_MODULE = /\bmodule (\d+)\b/g;

// Characters of a name that fit where a figure says `module 3`.
const FITS = 10;

/** Every place of the page, the view aside, that names a module: cells, words of figures, sentences. */
function modulePlaces() {
  const cells = [...document.querySelectorAll("main td.module")].map((cell) => ({ cell, module: Number(cell.textContent) }));
  const all = document.querySelectorAll("main .said, main svg.fig text, main svg.fig title");
  const isStill = (element) => !element.closest(".view, .unnamed") && element.textContent.search(OF_MODULE) >= 0;
  const words = [...all].filter(isStill).map((element) => ({ element, text: element.textContent }));
  return [...cells, ...words];
}

/** Writes the names that modules have now into those places. */
function nameModules(places, names) {
  for (const { cell, module, element, text } of places) {
    if (cell) nameCell(cell, module, names.given(module));
    else element.textContent = text.replace(OF_MODULE, (words, module) => inWords(element, words, names.given(Number(module))));
  }
  const link = document.querySelector("figcaption a[href$='module-matrix.svg']");
  link?.closest("figure").querySelector(".module-key")?.remove();
  link?.closest("figcaption").prepend(make("span", { class: "module-key" }, keyWords(names)));
}

function nameCell(cell, module, name) {
  cell.textContent = name ? `${module} ${name}` : String(module);
  if (name) cell.dataset.name = name;
  else delete cell.dataset.name;
}

function inWords(element, words, name) {
  if (!name) return words;
  if (element.tagName !== "text") return `${name} (${words})`;
  return short(name, element.classList.contains("end") ? 2 * FITS : FITS);
}

/** What the numbers of a matrix stand for. */
function keyWords(names) {
  const named = Object.keys({ ...names.name, ...names.group }).map(Number).sort((a, b) => a - b).filter((module) => names.given(module));
  return named.length ? `${named.map((module) => `${module}: ${names.given(module)}`).join(", ")}. ` : "";
}
