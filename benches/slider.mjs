// What a step of a report's threshold slider takes in Chromium: processor time of the page's
// main thread from the change until it is drawn, over every step.
//
//     $ node benches/slider.mjs REPORT/index.html …      (Node 22; Node 20 with --experimental-websocket)

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const profile = mkdtempSync(join(tmpdir(), "slider-"));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
const browser = spawn("chromium", [...flags, "about:blank"], { stdio: "ignore" });

async function connected() {
  const told = join(profile, "DevToolsActivePort");
  while (!existsSync(told) || !readFileSync(told, "utf8").includes("\n")) await pause(50);
  const [port, path] = readFileSync(told, "utf8").split("\n");
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await new Promise((open) => (socket.onopen = open));
  return socket;
}

const socket = await connected();
const waiting = new Map();
let [last, loaded] = [0, () => {}];
socket.onmessage = ({ data }) => {
  const said = JSON.parse(data);
  if (said.id) waiting.get(said.id)(said.result);
  else if (said.method === "Page.loadEventFired") loaded();
};

function ask(method, params = {}, sessionId) {
  return new Promise((answer) => {
    waiting.set(++last, answer);
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
  });
}

const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
const { sessionId: page } = await ask("Target.attachToTarget", { targetId, flatten: true });
await ask("Page.enable", {}, page);
await ask("Performance.enable", { timeDomain: "threadTicks" }, page);
await ask("Emulation.setDeviceMetricsOverride", { width: 1280, height: 900, deviceScaleFactor: 1, mobile: false }, page);

const value = async (expression) => {
  const found = await ask("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, page);
  return found.result?.value;
};
const busy = async () => {
  const { metrics } = await ask("Performance.getMetrics", {}, page);
  return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
};

const DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";

for (const path of process.argv.slice(2)) {
  const opened = new Promise((done) => (loaded = done));
  await ask("Page.navigate", { url: `file://${resolve(path)}` }, page);
  await opened;
  while (!(await value("!!document.querySelector('#view-threshold')"))) await pause(50);
  await pause(2000);
  await value("document.querySelector('.view-stage').scrollIntoView()");
  const stops = (await value("Number(document.querySelector('#view-threshold').max)")) + 1;
  const steps = [];
  for (let stop = 0; stop < stops; stop++) {
    const before = await busy();
    await value(`(() => { const s = document.querySelector("#view-threshold"); s.value = ${stop}; s.dispatchEvent(new Event("input")); return ${DRAWN}; })()`);
    steps.push((await busy()) - before);
    // A run of the network that waited for the slider to rest is no part of the next step.
    await pause(250);
  }
  steps.sort((a, b) => a - b);
  const at = (share) => steps[Math.min(stops - 1, Math.floor(share * stops))].toFixed(0);
  console.log(`${path}: ${stops} steps, median ${at(0.5)} ms, 95 % below ${at(0.95)}, longest ${at(1)}`);
}
browser.kill();
socket.close();
await pause(200);
rmSync(profile, { recursive: true, force: true });
