// What runs when the page is there; it is complete without any of it.

readyTables();
readyFigures();
readyScrolls();
readyResult();
readyGlossary();
readyPointers();
addEventListener("hashchange", unfoldTarget);
unfoldTarget();

// What is folded away is opened for printing.
addEventListener("beforeprint", () => {
  if (document.querySelector("body>.sheet")) return;
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
