// Views that the reader gives a name: a threshold, a circuit, what is taken out, kept with the page.

/** A field for the name of what is shown now, and the list of the views that have one. */
function keptViews(state) {
  const field = make("input", { type: "text", maxlength: 60, "aria-label": "Name of this view", placeholder: "name of this view" });
  field.addEventListener("input", () => {
    state.name = field.value.trim();
    keepLink(state);
  });
  const list = make("ul", {});
  const refill = () => list.replaceChildren(...Object.keys(state.names.views).map((name) => keptRow(state, name, refill)));
  const keep = () => {
    if (!state.name) return field.focus();
    state.names.views[state.name] = linkOf(state);
    refill();
  };
  const buttons = [
    make("button", { type: "button", click: keep }, "Keep it"),
    make("button", { type: "button", click: () => savePage(state.names) }, "Save this page with its views"),
  ];
  refill();
  const element = make("details", { class: "view-modules" }, make("summary", {}, "Named views"), make("p", {}, field, " ", ...buttons), list);
  const update = () => {
    if (document.activeElement !== field) field.value = state.name;
  };
  return { element, update };
}

function keptRow(state, name, changed) {
  const forget = () => {
    delete state.names.views[name];
    changed();
  };
  const link = make("a", { href: `${HERE}${state.names.views[name]}` }, name);
  return make("li", {}, link, " ", make("button", { type: "button", "aria-label": `Forget: ${name}`, click: forget }, "Forget"));
}
