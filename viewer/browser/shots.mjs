// Screenshots of every page, dark and light, wide and narrow.
//
//	node shots.mjs BINARY DIRECTORY
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { fill, fillRuns, startViewer } from "./server.mjs";
import { flags, executablePath } from "./browser.mjs";

const [binary, dir] = process.argv.slice(2);
const only = process.env.ONLY || ""; // those whose name contains it
mkdirSync(dir, { recursive: true });
const viewer = await startViewer(binary);
const browser = await chromium.launch({ executablePath, args: flags });
try {
  const shoot = async (name, path, act) => {
    if (!name.includes(only)) return;
    for (const colorScheme of ["dark", "light"]) for (const [width, height] of [[1280, 800], [390, 844]]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height } });
      await page.goto(viewer.url + path);
      await page.waitForLoadState("load");
      await page.waitForTimeout(400);
      await act?.(page);
      await page.screenshot({ path: `${dir}/${name}-${colorScheme}-${width}.png` });
      await page.close();
    }
  };
  await shoot("empty", "/");
  await shoot("empty-runs", "/runs");
  await shoot("empty-performance", "/performance");
  await fill(viewer);
  await fillRuns(viewer);
  await shoot("logs", "/");
  await shoot("drawer", "/?q=level%3A>%3Derror".replace("%3A", ""), async (page) => {
    await page.locator(".row.error").first().click();
    await page.waitForTimeout(300);
  });
  await shoot("wrong", "/?q=" + encodeURIComponent("request level:loud"));
  await shoot("tail", "/tail");
  await shoot("errors", "/errors", (page) => page.locator(".show").first().click().then(() => page.waitForTimeout(300)));
  await shoot("traces", "/traces");
  await shoot("trace", "/traces/" + (1997).toString(16).padStart(32, "0"), (page) => page.locator(".span-row").nth(2).click());
  await shoot("performance", "/performance");
  await shoot("runs", "/runs");
  const { runs } = await (await fetch(viewer.url + "/api/runs")).json();
  await shoot("run-one", "/runs/" + runs[0].id);
  await shoot("run-two", `/runs/${runs[0].id}?with=${runs[1].id}`);
  await shoot("lost", "/?q=" + encodeURIComponent("source:worker level>=warn last:30m"));
  await shoot("status", "/status");
  await shoot("help", "/", (page) => page.keyboard.press("?"));
} finally {
  await browser.close();
  await viewer.stop();
}
