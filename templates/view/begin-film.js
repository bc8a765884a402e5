// The film, where the page carries it.

const carriedFilm = document.getElementById("film-data");
if (carriedFilm) playFilm(document.getElementById("training"), JSON.parse(carriedFilm.textContent));
