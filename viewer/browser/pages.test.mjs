// The pages, in a real browser: every page and every way through it, by mouse and
// by keyboard, on a desk and on a phone; and that what was logged stays text.
//
//	VIEWER=/path/to/slogship-viewer node --test
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { executablePath, flags } from "./browser.mjs";
import { attacks, fill, fillAttacks, fillRuns, startViewer } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const binary = process.env.VIEWER;
const paths = ["/", "/?q=level%3A%3E%3Derror".replace("%3A", ""), "/tail", "/errors", "/traces", "/traces/" + (1997).toString(16).padStart(32, "0"), "/performance", "/runs", "/status", "/?q=" + encodeURIComponent('template:"slogship: records lost"')];
let viewer, browser, pair;

before(async () => {
  viewer = await startViewer(binary);
  await fill(viewer);
  await fillRuns(viewer);
  const { runs } = await viewer.get("/api/runs?source=worker");
  pair = [runs[1].id, runs[0].id]; // the older one first
  paths.push("/runs/" + pair[1], `/runs/${pair[0]}?with=${pair[1]}`);
  browser = await chromium.launch({ executablePath, args: flags });
});

after(async () => {
  await browser?.close();
  await viewer?.stop();
});

// open opens a page that fails the test for whatever it complains of, and for
// whatever it asks of anybody else.
async function open(t, path, options = {}, where = viewer) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.trouble = [];
  page.on("pageerror", (e) => page.trouble.push("error: " + e.message));
  page.on("console", (m) => m.type() === "error" && !/status of 4/.test(m.text()) && page.trouble.push("console: " + m.text()));
  page.on("request", (r) => !r.url().startsWith(where.url) && !r.url().startsWith("data:") && page.trouble.push("asks " + r.url()));
  t.after(() => page.close());
  await page.goto(where.url + path);
  await page.waitForFunction(() => document.querySelector("main").childElementCount > 0 && !document.querySelector("[aria-busy]"));
  return page;
}

const rows = (page) => page.locator(".list .rows > .row");

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test(`nothing is wrong with any page: ${colorScheme}, ${width} pixels`, async (t) => {
      for (const path of paths) {
        const page = await open(t, path, { colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
        await page.waitForTimeout(300);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact));
        assert.deepEqual(serious.map((v) => `${path}: ${v.id}: ${v.nodes.slice(0, 2).map((n) => n.html.slice(0, 150)).join(" | ")}`), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} pixels too wide`);
        assert.deepEqual(page.trouble, [], path);
      }
    });
  }
}

test("a query finds, an error points at its place, and the address keeps the query", async (t) => {
  const page = await open(t, "/");
  await page.keyboard.press("/");
  await page.keyboard.type("level>=error source:payments");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=level/);
  await page.waitForFunction(() => document.querySelectorAll(".list .row").length === 17);
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".list .row").length === 17);
  await page.fill("input[name=q]", "level:loud");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".query-error mark").textContent(), "loud");
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll(".list .row").length === 17);
  assert.deepEqual(page.trouble, []);
});

test("keys walk through rows, open and close one; its address opens it again", async (t) => {
  const page = await open(t, "/?q=order");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await page.locator(".drawer .context .here").waitFor();
  const said = await page.locator(".drawer .message").textContent();
  assert.match(said, /order \d+ failed/);
  const url = page.url();
  await page.keyboard.press("Escape");
  assert.ok(await page.locator(".drawer").isHidden());
  assert.ok(await rows(page).first().evaluate((e) => e === document.activeElement), "the row has the focus again");
  await page.goto(url);
  await page.locator(".drawer .message").waitFor();
  assert.equal(await page.locator(".drawer .message").textContent(), said);
});

test("an attribute's buttons filter for it and filter it out", async (t) => {
  const page = await open(t, "/?q=served");
  await rows(page).first().click();
  await page.locator(".drawer [aria-label='filter for user.plan']").click();
  await page.waitForURL(/user.plan/);
  const q = await page.inputValue("input[name=q]");
  assert.match(q, /^served user\.plan:(free|gold)$/);
  await rows(page).first().click();
  await page.locator(".drawer [aria-label='filter out route']").click();
  await page.waitForURL(/route/);
  const route = (await page.inputValue("input[name=q]")).match(/route!=(\S+)/)[1].replaceAll('"', "");
  await page.waitForFunction((without) => {
    const all = [...document.querySelectorAll(".list .row")];
    return all.length > 10 && all.every((row) => !row.textContent.includes(without));
  }, "route=" + route + " ");
});

test("the histogram zooms by dragging; facets narrow", async (t) => {
  const page = await open(t, "/");
  const box = await page.locator(".histogram").boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/since/);
  await page.waitForFunction(() => /^[12345]\d\d records/.test(document.querySelector(".says")?.textContent ?? ""));
  await page.locator(".facets button", { hasText: "payments" }).click();
  await page.waitForURL(/source/);
  await page.waitForFunction(() => [...document.querySelectorAll(".list .row .source")].every((e) => e.textContent === "payments"));
});

test("scrolling brings older records, each once", async (t) => {
  const page = await open(t, "/?q=source:payments");
  for (let i = 0; i < 20 && (await rows(page).count()) < 667; i++) {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.waitForTimeout(150);
  }
  const ids = await rows(page).evaluateAll((all) => all.map((e) => e.dataset.id));
  assert.equal(ids.length, 667);
  assert.equal(new Set(ids).size, 667);
});

test("the live tail shows what comes, soon, and never moves while one reads", async (t) => {
  const own = await startViewer(binary);
  t.after(() => own.stop());
  const page = await open(t, "/tail", {}, own);
  await page.locator(".empty").waitFor();
  await page.locator(".live", { hasText: "live" }).waitFor();
  const times = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await own.post("/ndjson", JSON.stringify({ msg: "number " + i }));
    await page.waitForFunction((text) => document.querySelector(".rows .row b")?.textContent === text, "number " + i, { polling: "raf" });
    times.push(performance.now() - start);
  }
  const said = (what, list) => {
    list.sort((a, b) => a - b);
    t.diagnostic(`POST to pixel, ${what}: p50 ${list[Math.floor(list.length / 2)].toFixed(0)} ms, p95 ${list[Math.floor(list.length * 0.95)].toFixed(0)} ms of ${list.length}`);
  };
  said("alone", times);
  // Under load: a thousand others a second, which the query leaves out.
  await page.fill("input[name=q]", "number");
  await page.keyboard.press("Enter");
  await page.locator(".rows .row").first().waitFor();
  let loading = true, sent = 0;
  const load = (async () => {
    while (loading) {
      await own.post("/ndjson?source=noise", Array.from({ length: 100 }, (_, i) => JSON.stringify({ msg: "noise " + i, at: i })).join("\n"));
      sent += 100;
      await new Promise((done) => setTimeout(done, 100));
    }
  })();
  const loaded = [];
  for (let i = 0; i < 40; i++) {
    const start = performance.now();
    await own.post("/ndjson", JSON.stringify({ msg: "number of the load " + i }));
    await page.waitForFunction((text) => document.querySelector(".rows .row b")?.textContent === text, "number of the load " + i, { polling: "raf" });
    loaded.push(performance.now() - start);
  }
  loading = false;
  await load;
  said(`beside ${sent} others`, loaded);
  await page.fill("input[name=q]", "");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !location.search);
  await page.keyboard.press("Escape");
  // Filled until it scrolls, then scrolled, then under load.
  await own.post("/ndjson", Array.from({ length: 90 }, (_, i) => JSON.stringify({ msg: "fill " + i })).join("\n"));
  await page.waitForFunction(() => document.querySelectorAll(".rows .row").length > 90);
  const place = await page.locator(".scroll").evaluate((e) => {
    e.scrollTop = 200;
    return e.scrollTop;
  });
  const before = await rows(page).first().textContent();
  for (let i = 0; i < 20; i++) await own.post("/ndjson", Array.from({ length: 200 }, (_, k) => JSON.stringify({ msg: `load ${i} ${k}` })).join("\n"));
  await page.locator(".fresh").waitFor();
  assert.equal(await page.locator(".scroll").evaluate((e) => e.scrollTop), place);
  assert.equal(await rows(page).first().textContent(), before);
  await page.locator(".fresh").click();
  await page.waitForFunction(() => document.querySelector(".rows .row b").textContent.startsWith("load"));
  assert.ok((await rows(page).count()) <= 1000);
  // Pause by key.
  await page.keyboard.press("p");
  await own.post("/ndjson", JSON.stringify({ msg: "while paused" }));
  await page.locator(".fresh").waitFor();
  assert.equal(await page.getByText("while paused").count(), 0);
  await page.keyboard.press("p");
  await page.getByText("while paused").waitFor();
  assert.deepEqual(page.trouble, []);
});

test("errors: a sample with its stack; resolved, and open again when it comes back", async (t) => {
  const page = await open(t, "/errors");
  const card = page.locator(".card", { hasText: "order <*> failed" });
  await card.getByText("Sample").click();
  await card.getByText("main.order(/src/order.go:42)").waitFor();
  await card.getByText("Resolve", { exact: true }).click();
  await card.waitFor({ state: "detached" });
  await page.getByText("Resolved", { exact: true }).click();
  await card.waitFor();
  await viewer.post("/ndjson?source=shop", JSON.stringify({ level: "ERROR", msg: "order 7 failed", time: new Date(Date.now() + 1000).toISOString(), error: { type: "*pay.DeclinedError" } }));
  await page.getByText("Open", { exact: true }).click();
  await card.getByText("came back").waitFor();
  assert.deepEqual(page.trouble, []);
});

test("traces: filtered by name, opened, a waterfall with details and logs", async (t) => {
  const page = await open(t, "/traces");
  await page.fill("input[name=name]", "/orders");
  await page.waitForURL(/name=/);
  await page.waitForFunction(() => document.querySelector(".trace-row") && [...document.querySelectorAll(".trace-row b")].every((e) => e.textContent === "GET /orders/{id}"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/traces\/[0-9a-f]{32}/);
  await page.locator(".span-row").nth(3).waitFor();
  await page.locator(".span-row", { hasText: "SELECT orders" }).click();
  await page.getByText("postgresql").waitFor();
  await page.locator(".rows .row").first().click();
  await page.locator(".drawer .message").waitFor();
  assert.deepEqual(page.trouble, []);
});

test("performance by route, status, and the keys that lead everywhere", async (t) => {
  const page = await open(t, "/");
  for (const [key, path, text] of [["p", "/performance", "GET /orders/{id}"], ["u", "/runs", "Compare two"], ["s", "/status", "A commit takes"], ["t", "/tail", "Pause"], ["e", "/errors", "Resolved"], ["r", "/traces", "GET /"], ["l", "/", "request served"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(viewer.url + path);
    await page.getByText(text).first().waitFor();
  }
  await page.keyboard.press("?");
  await page.getByText("next and previous row").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#theme").click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.deepEqual(page.trouble, []);
});

test("keys zoom the histogram, and move in time; the query says where one is", async (t) => {
  const page = await open(t, "/");
  const shown = async () => {
    const q = await page.inputValue("input[name=q]");
    const [, since, until] = q.match(/since:(\S+) until:(\S+)$/);
    const ms = (text) => Date.parse(text.endsWith("Z") ? text : text + (text.length === 16 ? ":00Z" : "Z"));
    return [ms(since), ms(until)];
  };
  const press = async (key) => {
    const before = await page.evaluate(() => location.href);
    await page.keyboard.press(key);
    await page.waitForFunction((url) => location.href !== url && !document.querySelector("[aria-busy]"), before);
  };
  await page.locator(".histogram").waitFor();
  await press("+");
  const half = await shown();
  await press("+");
  const quarter = await shown();
  assert.ok(Math.abs((half[1] - half[0]) / (quarter[1] - quarter[0]) - 2) < 0.1 && quarter[0] > half[0] && quarter[1] < half[1], `${half} then ${quarter}`);
  await page.waitForFunction((most) => Number(document.querySelector(".says").textContent.match(/^[\d,]+/)[0].replaceAll(",", "")) < most, 1200);
  await press("ArrowLeft");
  const left = await shown();
  assert.ok(left[0] < quarter[0] && left[1] > quarter[0] && left[1] < quarter[1]);
  await press("ArrowRight");
  assert.ok(Math.abs((await shown())[0] - quarter[0]) < 2000);
  await press("-");
  const wide = await shown();
  assert.ok(wide[0] < quarter[0] && wide[1] > quarter[1]);
  await page.goBack();
  assert.ok(Math.abs((await shown())[0] - quarter[0]) < 2000, "the way back leads to where one was");
  await press("0");
  assert.equal(await page.inputValue("input[name=q]"), "");
  // In a field the same keys write.
  await page.keyboard.press("/");
  await page.keyboard.type("x-0+1");
  assert.equal(await page.inputValue("input[name=q]"), "x-0+1");
  assert.deepEqual(page.trouble, []);
});

test("what a sender lost is a gap in the histogram and in the list", async (t) => {
  const page = await open(t, "/?q=source:worker");
  await page.locator(".histogram .gap").waitFor();
  assert.match(await page.locator(".gap title").textContent(), /^1,234 records lost, .* – .*: 1,200 the memory was full, 34 too large$/);
  const [gap, all] = [await page.locator(".gap").boundingBox(), await page.locator(".histogram").boundingBox()];
  assert.ok(gap.x > all.x + all.width / 2 && gap.width > 5 && gap.width < all.width / 8, "it is where it was");
  await page.locator(".gap-note", { hasText: "1,234 records lost in 1 gap" }).click();
  await page.waitForURL(/records/);
  const row = page.locator(".list .row.gone");
  await row.waitFor();
  assert.match(await row.textContent(), /1,234 records lost/);
  await row.click();
  await page.locator(".drawer .attrs", { hasText: "dropped.overflow" }).waitFor();
  await page.goto(viewer.url + "/?q=source:payments");
  await page.locator(".histogram").waitFor();
  assert.equal(await page.locator(".gap").count(), 0, "it is not another source's");
  assert.deepEqual(page.trouble, []);
});

test("runs: listed, pinned, and two compared, by keys alone", async (t) => {
  const page = await open(t, "/runs");
  const run = page.locator(".run", { hasText: "worker" });
  assert.equal(await run.count(), 2);
  await page.keyboard.press("c");
  await page.getByText("Choose two runs").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("p");
  await page.getByText("Pinned: its counts").waitFor();
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("Two are chosen").waitFor();
  await page.keyboard.press("c");
  await page.waitForURL(/runs\/\d+\?with=\d+/);
  await page.getByText("Two runs").first().waitFor();
  const cells = async (name) => page.locator("tr", { has: page.locator("th", { hasText: new RegExp("^" + name + "$") }) }).first().locator("td").allTextContents();
  assert.deepEqual(await cells("records"), ["254", "325", "+28 %"]);
  assert.deepEqual(await cells("error"), ["14", "25", "+79 %"]);
  assert.deepEqual((await cells("failed")).slice(0, 2), ["0", "6"]);
  assert.deepEqual((await cells("goroutines, at most")).slice(0, 2), ["30", "323"]);
  const kinds = async (title) => page.locator("h3", { hasText: title }).locator("xpath=following-sibling::div[1]").locator("tbody tr").allTextContents();
  assert.match((await kinds("New in B")).join("|"), /^runtime.boundsError index is out of range–15new$/);
  assert.match((await kinds("Gone since A")).join("|"), /^\*lease.Error lease was lost6–gone$/);
  assert.match((await kinds("In both")).join("|"), /^\*queue.TimeoutError job <\*> failed810\+25 %$/);
  const route = (await cells("POST /jobs")).map((text) => text.trim());
  assert.deepEqual(route.slice(0, 2), ["120", "150"]);
  assert.match(route[8], /^\+|^×/, "p95 is worse");
  assert.equal(await page.locator(".panel").count(), 8);
  // Its errors lead to its records.
  await page.locator("a", { hasText: "index is out of range" }).click();
  await page.locator(".drawer .message").waitFor();
  assert.equal(await page.locator(".drawer .message").textContent(), "index is out of range");
  await page.waitForFunction(() => document.querySelectorAll(".list .row").length === 15);
  await page.goto(viewer.url + "/runs?pinned=1");
  await run.first().waitFor();
  assert.equal(await run.count(), 1);
  await run.locator(".pin").click();
  await page.getByText("No longer pinned").waitFor();
  assert.deepEqual(page.trouble, []);
});

test("a run is compared with another one of its source", async (t) => {
  const page = await open(t, "/runs/" + pair[1]);
  await page.getByText("index is out of range").waitFor();
  await page.getByLabel("Compare with").selectOption({ index: 1 });
  await page.waitForURL(/with=/);
  await page.getByText("Gone since A").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(viewer.url + "/runs");
  await page.goto(viewer.url + "/runs/999");
  await page.getByText("there is no such run").waitFor();
});

test("performance shows processes, with the value under the pointer", async (t) => {
  const page = await open(t, "/performance");
  await page.locator(".process").nth(1).waitFor();
  assert.equal(await page.locator(".panel").count(), 8);
  const panel = page.locator(".panel", { hasText: "Goroutines" }).first();
  assert.equal(await panel.locator(".value").textContent(), "323");
  const box = await panel.locator(".lines").boundingBox();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 30);
  assert.notEqual(await panel.locator(".value").textContent(), "323");
  assert.match(await panel.locator("figcaption .quiet").textContent(), /^\d\d:\d\d:\d\d$/);
  await page.getByLabel("Time", { exact: true }).selectOption("15m");
  await page.waitForURL(/last=15m/);
  await page.waitForFunction(() => document.querySelectorAll(".process").length === 1);
  assert.deepEqual(page.trouble, []);
});

test("a sample, a span, and a list of errors have addresses of their own", async (t) => {
  const page = await open(t, "/errors");
  await page.locator(".card", { hasText: "index is out of range" }).getByText("Sample").click();
  await page.waitForURL(/group=\d+/);
  await page.reload();
  await page.getByText("main.resize(/src/image.go:81)").waitFor();
  await page.goto(viewer.url + paths[5]);
  await page.locator(".span-row[data-span]", { hasText: "SELECT orders" }).click();
  await page.waitForURL(/span=/);
  assert.equal(await page.locator(".dot").count(), 1, "a log is where it happened");
  await page.reload();
  await page.getByText("postgresql").waitFor();
  await page.keyboard.press("Escape");
  assert.ok(await page.locator(".drawer").first().isHidden());
  assert.ok(await page.locator(".span-row", { hasText: "SELECT orders" }).evaluate((e) => e === document.activeElement), "the span has the focus again");
  assert.deepEqual(page.trouble, []);
});

test("errors are resolved and opened again by key", async (t) => {
  const page = await open(t, "/errors");
  const card = page.locator(".card", { hasText: "lease was lost" });
  await card.focus();
  await page.keyboard.press("r");
  await card.waitFor({ state: "detached" });
  await page.goto(viewer.url + "/errors?resolved=1");
  await card.focus();
  await page.keyboard.press("r");
  await card.waitFor({ state: "detached" });
  await page.goto(viewer.url + "/errors");
  await card.waitFor();
  assert.deepEqual(page.trouble, []);
});

test("where there is nothing, a page says what to type", async (t) => {
  const own = await startViewer(binary);
  t.after(() => own.stop());
  for (const [path, text] of [["/", "curl --data-binary"], ["/tail", "slogship.New("], ["/errors", "slog.Error("], ["/traces", "OTEL_EXPORTER"], ["/performance", "agent.Start("], ["/runs", "slogship.New("], ["/runs?pinned=1", "p pins"],
    ["/?q=nothing", "Words are found whole"]]) {
    const page = await open(t, path, {}, own);
    await page.getByText(text, { exact: false }).first().waitFor();
    assert.deepEqual(page.trouble, [], path);
    await page.close();
  }
});

test("what was logged stays text, in every field of every page", async (t) => {
  const own = await startViewer(binary);
  t.after(() => own.stop());
  await fillAttacks(own);
  const { runs } = await own.get("/api/runs");
  assert.equal(runs.length, attacks.length);
  for (const path of ["/", "/tail", "/errors", "/traces", "/traces/" + "abc".padStart(32, "0"), "/performance", "/runs", ...runs.map((r) => `/runs/${r.id}?with=${runs[0].id}`), ...attacks.map((a) => "/?q=" + encodeURIComponent(a)),
    ...attacks.map((a) => "/traces?name=" + encodeURIComponent(a))]) {
    const page = await open(t, path, {}, own);
    await page.waitForTimeout(150);
    for (const target of [".list .row", ".span-row", ".show"]) {
      for (let i = 0; i < Math.min(await page.locator(target).count(), attacks.length); i++) {
        const one = page.locator(target).nth(i);
        if (await one.evaluate((e) => e.tagName === "A")) continue;
        await one.evaluate((e) => e.click());
        await page.waitForTimeout(30);
      }
    }
    assert.equal(await page.evaluate(() => window.hit), undefined, path);
    assert.equal(await page.locator("main script, main iframe, main img, main [onload], main [onerror]").count(), 0, path);
    assert.ok(!(await page.locator("main").textContent()).includes("\u202e"), path + ": direction is turned");
    assert.deepEqual(page.trouble, [], path);
    await page.close();
  }
});

test("the first rows come with the page, whatever is in its query", async (t) => {
  for (const [path, width, want] of [["/", 1280, []], ["/?q=" + encodeURIComponent('level>=error source:payments "ö +&%=~*" a|b'), 1280, []], ["/", 390, ["/api/histogram"]],
    ["/errors", 1280, []], ["/errors?resolved=1", 1280, []], ["/status", 1280, []]]) {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    t.after(() => page.close());
    const asked = [];
    page.on("request", (r) => new URL(r.url()).pathname.startsWith("/api/") && asked.push(new URL(r.url()).pathname));
    await page.goto(viewer.url + path);
    await page.waitForFunction(() => document.querySelector("main").childElementCount > 0 && !document.querySelector("[aria-busy]"));
    assert.deepEqual(asked, want, path);
  }
});
