// The view, where the page carries it.

const carriedView = document.getElementById("view-data");
if (carriedView) showView(document.getElementById("view"), carriedView.textContent);
