// Figures as SVG, PNG and PDF, and the whole result as JSON, out of the page alone.

/** The style of figures with the light colours spelled out, as other programs need it. */
function figureStyle() {
  const style = document.querySelector("style").textContent;
  const rules = style.split("\n").filter((line) => line.startsWith(".fig")).join("\n");
  const light = /:root\{([^}]*)\}/.exec(style)[1];
  const value = (name) => new RegExp(`--${name}:([^;]*)`).exec(light)?.[1] ?? "#000";
  return rules.replace(/var\(--(\w+)\)/g, (_, name) => value(name));
}

/** A drawing of the page as a file of its own. */
function fileOf(svg) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", SVG);
  copy.prepend(draw("style", {}, figureStyle()));
  return new XMLSerializer().serializeToString(copy);
}

const SHARPNESS = 2;

function savePicture(svg, name) {
  const { width, height } = svg.viewBox.baseVal;
  const picture = new Image();
  picture.addEventListener("load", () => {
    const canvas = make("canvas", { width: width * SHARPNESS, height: height * SHARPNESS });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(`${name}.png`, blob));
  });
  picture.src = `data:image/svg+xml,${encodeURIComponent(fileOf(svg))}`;
}

/** Prints a figure alone on a page of its own size: a browser saves that as a PDF with its fonts. */
function printFigure(svg, name) {
  const { width, height } = svg.viewBox.baseVal;
  const style = make("style", {}, `@page{size:${width}px ${height}px;margin:0}@media print{body>:not(.sheet){display:none!important}}`);
  const sheet = make("div", { class: "sheet" }, style, svg.cloneNode(true));
  const title = document.title;
  document.title = name;
  document.body.append(sheet);
  const restore = () => {
    sheet.remove();
    document.title = title;
  };
  addEventListener("afterprint", restore, { once: true });
  print();
}

/** The link to a figure's file works without the file, and a PNG stands beside it. */
function readyFigures() {
  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg.fig");
    const link = figure.querySelector("figcaption a[href$='.svg']");
    if (!svg || !link) continue;
    const name = link.getAttribute("href").split("/").pop().replace(".svg", "");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      save(`${name}.svg`, new Blob([fileOf(svg)], { type: "image/svg+xml" }));
    });
    const button = (words, label, click) => make("button", { type: "button", class: "small", "aria-label": label, click }, words);
    link.after(" ", button("PNG", "This figure as a PNG file", () => savePicture(svg, name)), " ", button("PDF", "Print this figure alone, as into a PDF file", () => printFigure(svg, name)));
  }
}

let resultRead;

/** The same as an object, read once; undefined where the page does not carry it. */
function resultObject() {
  resultRead ??= carriedObject("carried-result");
  return resultRead;
}

function readyResult() {
  const link = document.getElementById("result-link");
  if (!link || !document.getElementById("carried-result")) return;
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    save(link.getAttribute("href"), await carried("carried-result"));
  });
}
