// What runs when the page is there; it is complete without any of it.

readyTables();
readyFigures();
readyScrolls();
readyResult();
const carriedView = document.getElementById("view-data");
if (carriedView) showView(document.getElementById("view"), carriedView.textContent);
const carriedFilm = document.getElementById("film-data");
if (carriedFilm) playFilm(document.getElementById("training"), JSON.parse(carriedFilm.textContent));
readyAttention();
readyPair();
readyGlossary();
readyPointers();
addEventListener("hashchange", unfoldTarget);
unfoldTarget();

// What is folded away is opened for printing.
addEventListener("beforeprint", () => {
  if (document.querySelector("body>.sheet")) return;
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
