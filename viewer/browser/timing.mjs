// How long a page takes, as a browser sees it: Chromium's own figures, from the
// start of the navigation until the first and the largest contentful paint. A
// page's rows are in the largest one. No tool is attached while the page loads:
// Playwright's hooks cost more than some pages do. What the browser takes for a page
// with a line of text and nothing else is measured first.
//
//	node timing.mjs http://127.0.0.1:7777 [times] [names, with commas]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executablePath, flags } from "./browser.mjs";

const [url, times = "40", only = ""] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), "viewer-timing-"));
const browser = spawn(executablePath, ["--headless", ...flags, "--remote-debugging-pipe", "--user-data-dir=" + dir, "--window-size=1280,800", "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const waiting = new Map();
let calls = 0, rest = "";
browser.on("exit", () => waiting.forEach((answer) => answer({ error: { message: "the browser ended" } })));
browser.stdio[4].setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  for (const m of messages.map((text) => JSON.parse(text))) {
    waiting.get(m.id)?.(m);
    waiting.delete(m.id);
  }
});
const call = (method, params = {}, sessionId = undefined) => new Promise((done, failed) => {
  waiting.set(++calls, (m) => (m.error ? failed(new Error(method + ": " + m.error.message)) : done(m.result)));
  browser.stdio[3].write(JSON.stringify({ id: calls, method, params, sessionId }) + "\0");
});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// painted asks the page when what happened, in ms since the navigation began. It
// takes two frames and no hook.
const steps = ["answer begins", "answer ends", "rows there", "first paint", "largest paint"];
const painted = `new Promise((done) => {
  const n = performance.getEntriesByType("navigation")[0];
  const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const rows = performance.getEntriesByName("rows")[0]?.startTime ?? n.domContentLoadedEventStart;
  new PerformanceObserver((list) => done([n.responseStart, n.responseEnd, rows, first, list.getEntries().at(-1).startTime])).observe({ type: "largest-contentful-paint", buffered: true });
})`;

async function visit(address) {
  const { targetInfos } = await call("Target.getTargets");
  const { targetId } = targetInfos.find((t) => t.type === "page");
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  await call("Page.navigate", { url: address }, sessionId);
  await call("Target.detachFromTarget", { sessionId });
  await pause(400);
  const later = await call("Target.attachToTarget", { targetId, flatten: true });
  const { result, exceptionDetails } = await call("Runtime.evaluate", { expression: painted, awaitPromise: true, returnByValue: true }, later.sessionId);
  await call("Target.detachFromTarget", later);
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  return result.value;
}

try {
  console.log([`ms, p50/p95`.padEnd(14), ...steps.map((s) => s.padStart(13))].join(" "));
  for (const [name, path] of [["a line of text", "/nothing"], ["logs", "/"], ["logs filtered", "/?q=" + encodeURIComponent("level>=error")], ["live", "/tail"], ["errors", "/errors"], ["traces", "/traces"],
    ["performance", "/performance"], ["runs", "/runs"], ["status", "/status"]]) {
    if (only && !only.split(",").includes(name)) continue;
    const took = [];
    for (let i = 0; i < Number(times) + 3; i++) took.push(await visit(url + path));
    took.splice(0, 3); // they fill the browser's caches
    const at = (k, q) => took.map((t) => t[k]).sort((a, b) => a - b)[Math.min(Math.floor(q * took.length), took.length - 1)].toFixed(0);
    console.log([name.padEnd(14), ...steps.map((_, k) => `${at(k, 0.5)}/${at(k, 0.95)}`.padStart(13))].join(" "));
  }
} finally {
  const ended = new Promise((done) => browser.on("exit", done));
  browser.kill();
  await ended;
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}
