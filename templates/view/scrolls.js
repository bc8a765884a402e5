// A figure that is wider than its place can be scrolled with the keyboard too.

function readyScrolls() {
  const watch = new ResizeObserver((entries) => entries.forEach((entry) => markScroll(entry.target)));
  for (const place of document.querySelectorAll("figure .scroll")) watch.observe(place);
}

function markScroll(place) {
  if (place.scrollWidth <= place.clientWidth) {
    for (const name of ["tabindex", "role", "aria-label"]) place.removeAttribute(name);
    return;
  }
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", place.querySelector("svg")?.getAttribute("aria-label") ?? "Figure");
}
