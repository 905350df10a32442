// The page of logs: a histogram that zooms, facets, the list, and the drawer.
import { el, get, line, number, painted } from "./dom.js";
import { histogram, terms } from "./chart.js";
import { Drawer, opens, quote, row } from "./record.js";
import { Search, withTime } from "./search.js";
import { empty, failure, fill, firstLogs, main, onKey, walk } from "./shell.js";

const params = () => new URLSearchParams(location.search);
const chart = el("div", { class: "chart none" });
const facets = el("div", { class: "facets" });
const list = el("div", { class: "rows", role: "table", "aria-label": "Records" });
const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => load(true) }, "Older records");
const note = el("p", { class: "note", role: "status" });
const search = new Search((q) => visit(q));
const drawer = new Drawer((term) => search.add(term), () => keep({ id: null }));
const narrow = matchMedia("(max-width: 599px)");
const maxRows = 3000;
const firstRows = 30; // about what a window shows: the others are made after these are seen
let cursor = "", loading = null, shownRows = 0;
let time = null, zoomed = null; // what the histogram shows, in ms, and the query of a zoom

fill(search.element, chart, el("div", { class: "columns" },
  el("details", { class: "side" }, el("summary", {}, "Facets"), facets),
  el("div", { class: "list" }, note, list, more), drawer.element));
const side = main.querySelector("details");
side.hidden = true;
side.open = matchMedia("(min-width: 900px)").matches;
walk(list);
opens(list, openRecord);

// keep writes what is shown into the address.
function keep(changes, push = false) {
  const p = params();
  for (const [k, v] of Object.entries(changes)) v ? p.set(k, v) : p.delete(k);
  const url = location.pathname + (p.size ? "?" + p : "");
  history[push ? "pushState" : "replaceState"](null, "", url);
}

function visit(q) {
  keep({ q, id: null }, true);
  start();
}

function openRecord(r) {
  keep({ id: r.id });
  drawer.open(r);
}

async function start() {
  const q = params().get("q") || "";
  search.set(q);
  cursor = "";
  shownRows = 0;
  loading?.abort();
  loading = new AbortController();
  const options = { signal: loading.signal };
  list.setAttribute("aria-busy", "true");
  const counts = Promise.allSettled([get("/api/histogram", { q, bars: narrow.matches ? 50 : 120 }, options), get("/api/templates", { q }, options)]);
  let page;
  try {
    page = await get("/api/logs", { q, limit: 100 }, options);
  } catch (e) {
    if (options.signal.aborted) return;
    list.removeAttribute("aria-busy");
    search.failed(e);
    if (e.pos === undefined) list.replaceChildren(failure(e));
    return;
  }
  if (options.signal.aborted) return;
  list.removeAttribute("aria-busy");
  list.replaceChildren();
  const shown = show(page, q, options.signal);
  chart.classList.toggle("none", !shownRows && !q);
  const [h, kinds] = await counts;
  if (options.signal.aborted || h.status !== "fulfilled") return;
  if (q !== zoomed) time = [h.value.from, h.value.from + h.value.bars.length * h.value.step];
  chart.replaceChildren(shownRows || q ? histogram(h.value, zoom, () => search.add('template:"slogship: records lost"')) : "");
  await shown;
  if (!options.signal.aborted) showFacets(h.value, kinds.status === "fulfilled" ? kinds.value.templates : []);
}

// zoom shows a range of time, in ms.
function zoom(from, to) {
  const least = 1000;
  time = [Math.max(Math.floor(from), 1), Math.ceil(Math.max(to, from + least))]; // the next key goes on from here, also before the answer
  zoomed = withTime(search.input.value, terms(...time));
  search.enter(zoomed);
}

const length = () => time[1] - time[0];
for (const [keys, low, high] of [[["+", "="], 0.25, -0.25], [["-"], -0.5, 0.5], [["ArrowLeft"], -0.5, -0.5], [["ArrowRight"], 0.5, 0.5]]) {
  for (const key of keys) onKey(key, () => time && zoom(time[0] + low * length(), time[1] + high * length()));
}
onKey("0", () => search.enter(withTime(search.input.value, "")));

async function show(page, q, signal) {
  more.hidden = true; // until all rows are there
  list.append(...page.records.slice(0, firstRows).map(row));
  performance.mark("rows");
  shownRows += page.records.length;
  cursor = page.next || "";
  more.textContent = page.partial ? "Look further back" : "Older records";
  note.textContent = page.partial ? `Looked at ${number(page.scanned)} records, back to ${page.up_to.slice(0, 19).replace("T", " ")}.` : "";
  if (!shownRows && !page.partial) {
    list.replaceChildren(q ? empty("Nothing found.", el("p", {}, "Words are found whole: try ", el("code", {}, "beginn*"), ", or ", el("code", {}, "key~part"), ". The key ? shows the language.")) : empty("No records yet.", firstLogs()));
  }
  if (page.records.length > firstRows) {
    await painted();
    if (signal.aborted) return;
    list.append(...page.records.slice(firstRows).map(row));
  }
  more.hidden = !cursor;
}

async function load(byHand) {
  if (!cursor || (!byHand && shownRows >= maxRows) || list.hasAttribute("aria-busy")) return;
  list.setAttribute("aria-busy", "true");
  const { signal } = loading;
  try {
    const q = params().get("q") || "";
    const page = await get("/api/logs", { q, cursor, limit: 200 }, { signal });
    await show(page, q, signal);
  } catch (e) {
    if (e.name !== "AbortError") note.textContent = e.error || String(e);
  }
  if (!signal.aborted) list.removeAttribute("aria-busy");
}

function facet(title, entries) {
  return entries.length ? el("section", {}, el("h3", {}, title), el("ul", {}, entries.map(([name, n, term, cls]) =>
    el("li", {}, el("button", { type: "button", class: cls, title: "Only such", onclick: () => search.add(term) }, el("span", {}, line(name)), el("small", {}, number(n))))))) : null;
}

function showFacets(h, templates) {
  side.hidden = !shownRows;
  const levels = h.names.map((name, i) => [name, h.classes[i], "level:" + name, "lv " + name]).filter(([, n]) => n).reverse();
  const sources = Object.entries(h.sources).sort((a, b) => b[1] - a[1]).slice(0, 20).map(([name, n]) => [name || "(none)", n, "source:" + quote(name)]);
  facets.replaceChildren(...[facet("Level", levels), facet("Source", sources),
    facet("Messages, by whole hours", templates.slice(0, 15).map((t) => [t.name || "(no message)", t.n, "template:" + quote(t.name)]))].filter(Boolean));
}

new IntersectionObserver((e) => e[0].isIntersecting && load(false), { rootMargin: "600px" }).observe(more);
addEventListener("popstate", start);
await start();
const id = params().get("id");
if (id) {
  try {
    drawer.open((await get("/api/logs/" + encodeURIComponent(id))).record);
  } catch (e) {
    note.textContent = e.error;
  }
}
