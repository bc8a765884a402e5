// The view and the film, where the page carries them.

const carriedView = document.getElementById("view-data");
if (carriedView) showView(document.getElementById("view"), carriedView.textContent);
const carriedFilm = document.getElementById("film-data");
if (carriedFilm) playFilm(document.getElementById("training"), JSON.parse(carriedFilm.textContent));
