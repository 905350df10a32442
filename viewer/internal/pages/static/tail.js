// The live tail. The newest record is on top. Nothing moves while one reads: as
// soon as the list is scrolled, or paused, what comes waits behind a button.
import { el, get, number } from "./dom.js";
import { Drawer, opens, row } from "./record.js";
import { Search } from "./search.js";
import { empty, fill, firstLogs, onKey, walk } from "./shell.js";

const keep = 1000;
const list = el("div", { class: "rows", role: "table", "aria-label": "Live records" });
const scroll = el("div", { class: "scroll", tabindex: "0", "aria-label": "Live records" }, list);
const state = el("output", { class: "note" });
const dot = el("span", { class: "live", hidden: true }, "live");
const fresh = el("button", { type: "button", class: "fresh", hidden: true, onclick: () => release() });
const pause = el("button", { type: "button", "aria-pressed": "false", onclick: () => toggle() }, "Pause");
const search = new Search((q) => {
  history.replaceState(null, "", q ? "?" + new URLSearchParams({ q }) : location.pathname);
  list.replaceChildren();
  waiting = [];
  listen();
}, false);
const drawer = new Drawer((term) => search.add(term));
let ids = new Set(), run = 0, source = null, paused = false, waiting = [], skipped = 0, dropped = 0;

fill(search.element, el("div", { class: "tail-bar" }, pause, dot, fresh, state), el("div", { class: "columns" }, el("div", { class: "list" }, scroll), drawer.element));
walk(list);
opens(list, (r) => drawer.open(r));
onKey("p", () => toggle());
scroll.addEventListener("scroll", () => {
  if (scroll.scrollTop < 4 && !paused) release();
});

const reading = () => paused || scroll.scrollTop >= 4 || list.contains(document.activeElement);

function toggle() {
  paused = !paused;
  pause.setAttribute("aria-pressed", paused);
  pause.textContent = paused ? "Go on" : "Pause";
  dot.hidden = paused || source?.readyState !== EventSource.OPEN;
  if (!paused) release();
}

// release shows what waits.
function release() {
  if (list.contains(document.activeElement)) document.activeElement.blur();
  scroll.scrollTop = 0;
  add(waiting);
  waiting = [];
  dropped = 0;
  fresh.hidden = true;
}

// news returns those records that were not here before, and remembers them.
function news(records) {
  if (ids.size > 5 * keep) ids = new Set([...[...list.children].map((e) => e.dataset.id), ...waiting.map((r) => r.id)]);
  return records.filter((r) => !ids.has(r.id) && ids.add(r.id));
}

function add(records) {
  list.querySelector(".empty")?.remove();
  const fresh = document.createDocumentFragment();
  for (const r of records.slice(-keep).reverse()) fresh.append(row(r));
  list.prepend(fresh);
  while (list.childElementCount > keep) list.lastElementChild.remove();
}

function took(e) {
  const { records, skipped: left } = JSON.parse(e.data);
  if (left) skipped += left;
  state.textContent = skipped ? `${number(skipped)} more came too fast to show: narrow the query` : "";
  come(news(records || []));
}

function come(records) {
  if (!records.length) return;
  if (!reading()) {
    add(records);
    return;
  }
  waiting.push(...records);
  if (waiting.length > keep) {
    dropped += waiting.length - keep;
    waiting = waiting.slice(-keep);
  }
  fresh.hidden = false;
  fresh.textContent = number(waiting.length + dropped) + " new";
}

async function listen() {
  const asked = ++run; // another query may be asked before this one is answered
  source?.close();
  const q = new URLSearchParams(location.search).get("q") || "";
  search.set(q);
  skipped = 0;
  ids = new Set();
  const latest = async () => news((await get("/api/logs", { q, limit: 50 })).records.reverse());
  try {
    const records = await latest();
    if (run !== asked) return;
    list.replaceChildren();
    add(records);
    if (!records.length) list.append(q ? empty("Nothing such yet.", el("p", {}, "It appears here as soon as it is logged.")) : empty("Waiting for the first record.", firstLogs()));
  } catch (e) {
    search.failed(e);
    return;
  }
  const mine = new EventSource("/api/tail?" + new URLSearchParams({ q }));
  source = mine;
  mine.addEventListener("hello", async () => {
    state.textContent = "";
    dot.hidden = paused;
    // What came before the connection stood, the first time or after a loss.
    const missed = await latest().catch(() => []);
    if (source === mine) come(missed);
  });
  mine.addEventListener("records", took);
  mine.addEventListener("error", () => {
    state.textContent = "The connection was lost; trying again.";
    dot.hidden = true;
  });
}

listen();
