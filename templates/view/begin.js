// The view, where the page carries it.

carriedObject("view-data").then((data) => data && showView(document.getElementById("view"), data));
