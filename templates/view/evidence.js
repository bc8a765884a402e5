// From a claim to what it stands on: folds open on the way, terms tell their meaning,
// and a place in the result shows what stands there.

/** Opens every fold around the part that the address names. */
function unfoldTarget() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  const folds = [];
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) folds.push(fold);
  if (folds.every((fold) => fold.open)) return;
  for (const fold of folds) fold.open = true;
  target.scrollIntoView();
}

/** Titles and terms that the glossary defines tell their meaning when pointed at. */
function readyGlossary() {
  const terms = new Map();
  for (const term of document.querySelectorAll("#definitions dt")) terms.set(wordsOfTerm(term), term.nextElementSibling.textContent);
  for (const place of document.querySelectorAll("main th, main dt, main summary")) {
    if (place.closest("#definitions")) continue;
    const meaning = terms.get(wordsOfTerm(place));
    if (meaning) place.title = meaning;
  }
}

function wordsOfTerm(element) {
  return element.textContent.trim().toLowerCase().replace(/ [[(].*/, "");
}

// Characters of a value that are shown.
const MOST_OF_VALUE = 400;

/** Places in the result become buttons that show what stands there. */
function readyPointers() {
  if (!document.getElementById("carried-result")) return;
  for (const place of document.querySelectorAll("code.pointer")) {
    const pointer = place.textContent;
    const button = make("button", { type: "button", class: "small", "aria-label": `What the result has at ${pointer}` }, pointer);
    button.addEventListener("click", async () => {
      const value = JSON.stringify(at(await resultObject(), pointer)) ?? "nothing";
      button.textContent = `${pointer} = ${value.slice(0, MOST_OF_VALUE)}${value.length > MOST_OF_VALUE ? " …" : ""}`;
    });
    place.replaceChildren(button);
  }
}

/** What a JSON pointer (RFC 6901) leads to. */
function at(value, pointer) {
  const keys = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return keys.reduce((inner, key) => inner?.[key], value);
}
