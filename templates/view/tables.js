// Tables sort by a click on a column's title and can be taken away as CSV.

/** What a cell sorts by: its unrounded number where it has one. */
function keyOf(cell) {
  return cell.dataset.key ?? cell.textContent;
}

function numberOf(text) {
  return text.endsWith("inf") ? Number(text.replace("inf", "Infinity")) : Number(text);
}

function compareCells(a, b) {
  const [p, q] = [numberOf(a), numberOf(b)];
  return Number.isNaN(p) || Number.isNaN(q) ? a.localeCompare(b, "en", { numeric: true }) : p - q;
}

/** Sorts by a column: downwards at first, the other way at the next click. */
function sortBy(table, column) {
  const heads = table.tHead.rows[0].cells;
  const down = heads[column].getAttribute("aria-sort") !== "descending";
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const order = (a, b) => compareCells(keyOf(a.cells[column]), keyOf(b.cells[column]));
  body.append(...[...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b))));
}

function makeSortable(table) {
  if (!table.tBodies[0] || table.tBodies[0].rows.length < 2) return;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", { type: "button", click: () => sortBy(table, column) });
    button.append(...head.childNodes);
    head.append(button);
  });
}

/** A field as RFC 4180 quotes it; what a spreadsheet would run gets an apostrophe. */
function csvField(cell) {
  const { name, key } = cell.dataset;
  const words = name ?? key ?? cell.textContent;
  const isNumber = !name && !Number.isNaN(numberOf(words));
  const text = isNumber ? words : words.replace(/^[=+\-@]/, "'$&");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf(table) {
  const rows = [table.tHead.rows[0], ...table.tBodies[0].rows];
  return rows.map((row) => [...row.cells].map(csvField).join(",")).join("\r\n") + "\r\n";
}

/** Lets every table of the page sort, and the rows it shows be saved. */
function readyTables() {
  for (const table of document.querySelectorAll("main table")) {
    makeSortable(table);
    const note = table.parentElement.nextElementSibling;
    const link = note?.querySelector("a[href$='.csv']");
    const name = link ? link.textContent : "table.csv";
    const saveRows = () => save(name, new Blob([csvOf(table)], { type: "text/csv" }));
    const button = make("button", { type: "button", class: "small", click: saveRows }, "Save these rows as CSV");
    if (link) note.append(" ", button);
    else table.parentElement.after(make("p", { class: "more" }, button));
  }
}
