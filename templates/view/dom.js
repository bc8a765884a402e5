// Small helpers to build elements; text only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; functions are listeners, strings are text. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A number as the rest of the page writes it: four digits, a real minus. */
function shown(value, digits = 4) {
  if (value === undefined || value === null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e6) return signed(String(Number(value.toPrecision(digits))));
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${signed(String(Number(mantissa)))} × 10${raised(Number(exponent))}`;
}

function signed(text) {
  return text.replace("-", "−");
}

function raised(exponent) {
  const digits = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return [...String(exponent)].map((digit) => digits[digit]).join("");
}

function counted(value) {
  return value < 10000 ? String(value) : value.toLocaleString("en");
}

/** Offers bytes as a file. */
function save(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** A control below its name. */
function field(label, control) {
  return make("label", {}, make("span", {}, label), control);
}

/** Bytes of base64. */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

/** What the page carries under this name, unpacked; undefined where it does not. */
async function carried(name) {
  const packed = document.getElementById(name);
  if (!packed) return undefined;
  const unpacked = new Blob([bytesOf(packed.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).blob();
}

async function carriedObject(name) {
  const blob = await carried(name);
  return blob && JSON.parse(await blob.text());
}
