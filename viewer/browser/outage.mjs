// The quickstart's outage, as a browser sees it: during it, and after it.
//
//	node outage.mjs BINARY DIRECTORY
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { startViewer } from "./server.mjs";
import { flags, executablePath } from "./browser.mjs";

const [binary, dir] = process.argv.slice(2);
mkdirSync(dir, { recursive: true });
const viewer = await startViewer(binary);
const browser = await chromium.launch({ executablePath, args: flags });
try {
  const page = await browser.newPage({ colorScheme: "dark", viewport: { width: 1280, height: 800 } });
  await page.goto(viewer.url + "/tail");
  const example = spawn("go", ["run", "./examples/quickstart", "-viewer=" + viewer.url], { cwd: "../..", env: { ...process.env, GOWORK: "off" }, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => example.once("exit", resolve));
  let said = "";
  await new Promise((resolve) => example.stdout.on("data", (text) => {
    said += text;
    if (said.includes("the receiver goes away")) resolve();
  }));
  await page.waitForTimeout(2500);
  await page.screenshot({ path: `${dir}/outage-live.png` });
  const status = await ended;
  if (status !== 0) throw new Error(`the quickstart ended with ${status}\n${said}`);
  await page.goto(viewer.url + "/?q=" + encodeURIComponent("last:1m"));
  await page.waitForTimeout(1500);
  await page.screenshot({ path: `${dir}/outage.png` });
} finally {
  await browser.close();
  await viewer.stop();
}
