// The film, where the page carries it.

carriedObject("film-data").then((film) => film && playFilm(document.getElementById("training"), film));
