// The samples at which a pinned node is strongest and weakest, each with what goes in.

const NO_SAMPLE = 0xffffffff;

// Most numbers of an input that are written out.
const MOST_NUMBERS = 12;

function readSamples(samples) {
  if (!samples) return undefined;
  const read = { ...samples, sample: wholesOf(samples.sample), value: floatsOf(samples.value), inputs: floatsOf(samples.inputs) };
  read.position = samples.position ? wholesOf(samples.position) : undefined;
  return read;
}

/** The tables of both ends of a node; none where the result has none of it. */
function sampleTables(state, n) {
  const { samples } = state.graph;
  if (!samples) return [];
  const start = 2 * samples.each * n;
  const at = (end) => Array.from({ length: samples.each }, (_, k) => start + end * samples.each + k).filter((k) => samples.sample[k] !== NO_SAMPLE);
  const table = (end, word) => {
    const rows = at(end).map((k) => sampleRow(samples, k));
    if (!rows.length) return [];
    const whole = smallTable(`Samples with its ${word} ${samples.measure}`, sampleHeads(samples), rows);
    whole.classList.add("samples");
    return [whole];
  };
  return [...table(0, "largest"), ...table(1, "smallest")];
}

function sampleHeads(samples) {
  const named = samples.features.length && !samples.image ? ` (${samples.features.join(", ")})` : "";
  return ["Sample", ...(samples.position ? ["Position"] : []), "Value", "Label", "Output", `Input${named}`];
}

function sampleRow(samples, k) {
  const place = samples.sample[k];
  const shownSample = samples.list[place];
  const position = samples.position?.[k];
  const row = [shownSample.sample, ...(samples.position ? [position] : []), samples.value[k]];
  return [...row, shownSample.label || "–", shownSample.output || "–", sampleInput(samples, place, position)];
}

/** Tokens with the one that counts marked, a picture, or numbers. */
function sampleInput(samples, place, position) {
  const { tokens } = samples.list[place];
  if (tokens) return make("span", { class: "sample-tokens" }, ...parted(tokens, position));
  const numbers = samples.inputs.subarray(place * samples.width, (place + 1) * samples.width);
  if (!numbers.length) return "left out";
  if (samples.image) return picture(numbers, samples.image);
  const each = samples.features.length || numbers.length;
  const group = (k) => [...numbers.subarray(k * each, (k + 1) * each)].slice(0, MOST_NUMBERS).map((x) => shown(x)).join(", ");
  const groups = Array.from({ length: Math.ceil(numbers.length / each) }, (_, k) => group(k));
  const rest = each > MOST_NUMBERS ? ` … (${each} numbers)` : "";
  return make("span", {}, ...parted(groups, position, "; "), rest);
}

function parted(words, position, between = " ") {
  return words.flatMap((word, k) => [k ? between : "", k === position ? make("mark", {}, word) : word]);
}

/** An image, white at its smallest number and black at its largest. */
function picture(numbers, [rows, columns]) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const words = `Image of ${rows} × ${columns}, numbers from ${shown(low)} to ${shown(high)}`;
  const canvas = make("canvas", { width: columns, height: rows, class: "sample-image", role: "img", "aria-label": words, title: words });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  numbers.forEach((value, k) => image.data.set([0, 0, 0, (255 * (value - low)) / (high - low || 1)], 4 * k));
  context.putImageData(image, 0, 0);
  return canvas;
}
