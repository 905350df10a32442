// How long a page takes, as a browser sees it: from the request until the rows are
// on the page and a frame was drawn.
//
//	node timing.mjs http://127.0.0.1:7777 [times]
import { chromium } from "playwright-core";
import { executablePath, flags } from "./browser.mjs";

const [url, times = "40"] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: flags });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
try {
  for (const [name, path, ready] of [["logs", "/", ".list .row"], ["logs, filtered", "/?q=" + encodeURIComponent("level>=error"), ".list .row"], ["live", "/tail", ".list .row"], ["errors", "/errors", ".card"], ["traces", "/traces", ".row"],
    ["performance", "/performance", "tbody tr"], ["runs", "/runs", ".row"], ["status", "/status", ".tile"]]) {
    const took = [];
    for (let i = 0; i < Number(times) + 3; i++) {
      await page.goto(url + path, { waitUntil: "commit" });
      took.push(await page.evaluate((selector) => new Promise((done) => {
        const look = () => (document.querySelector(selector + ", .empty, .failure") ? requestAnimationFrame(() => done(performance.now())) : setTimeout(look, 1));
        look();
      }), ready));
    }
    const sorted = took.slice(3).sort((a, b) => a - b); // the first fill the browser's caches
    const at = (q) => sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)].toFixed(0);
    console.log(`${name.padEnd(16)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`);
  }
} finally {
  await browser.close();
}
