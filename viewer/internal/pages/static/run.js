// One run, or two side by side: what they logged, their errors, their requests, and
// how their processes were.
import { bytes, el, get, iso, lasted, line, number, took } from "./dom.js";
import { spark, terms } from "./chart.js";
import { process, summary } from "./process.js";
import { quote } from "./record.js";
import { failure, fill, onKey, walk } from "./shell.js";

const id = location.pathname.split("/").pop();
const other = new URLSearchParams(location.search).get("with");
const sum = (l) => l.trace + l.debug + l.info + l.warn + l.error + l.fatal;
const label = (r) => `${line(r.source)} ${iso(r.first)}`;

// change says how b differs from a.
function change(a, b, worse) {
  if (a === b || a === undefined || b === undefined) return el("td", { class: "n quiet" }, a === b ? "same" : "");
  const ratio = a ? b / a : Infinity;
  const text = ratio === Infinity ? "new" : b === 0 ? "gone" : ratio >= 2 ? "× " + (ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)) : (ratio >= 1 ? "+" : "−") + Math.abs((ratio - 1) * 100).toFixed(ratio > 0.9 && ratio < 1.1 ? 1 : 0) + " %";
  return el("td", { class: "n " + (!worse || (ratio > 0.9 && ratio < 1.1) ? "quiet" : b > a === worse > 0 ? "worse" : "better") }, text);
}

function heads(runs, first) {
  return el("thead", {}, el("tr", {}, el("th", { scope: "col" }, first), runs.map((d, i) => el("th", { scope: "col", class: "n" }, runs.length > 1 ? "AB"[i] : "")), runs.length > 1 ? el("th", { scope: "col", class: "n" }, "A → B") : null));
}

const frame = (...children) => el("div", { class: "scroll-x", tabindex: "0", role: "group", "aria-label": "Table" }, el("table", { class: "side-by-side" }, children));

function counts(runs) {
  const minutes = (d) => Math.max((d.run.last - d.run.first) / 60000, 1 / 60);
  const s = runs.map((d) => summary(d.process));
  const facts = [
    ["records", (d) => sum(d.run.levels), number], ["a minute", (d) => sum(d.run.levels) / minutes(d), (v) => (v < 100 ? v.toFixed(1) : number(Math.round(v)))],
    ["fatal", (d) => d.run.levels.fatal, number, 1], ["error", (d) => d.run.levels.error, number, 1], ["warn", (d) => d.run.levels.warn, number, 1],
    ["info", (d) => d.run.levels.info, number], ["debug", (d) => d.run.levels.debug + d.run.levels.trace, number],
    ["requests", (d) => d.run.requests, number], ["requests a minute", (d) => d.run.requests / minutes(d), (v) => v.toFixed(1)], ["failed", (d) => d.run.failed, number, 1],
    ["CPU, on average", (_, i) => s[i]?.cpu, (v) => (v * 100).toFixed(1) + " %", 1], ["memory, at most", (_, i) => s[i]?.memory, bytes, 1], ["goroutines, at most", (_, i) => s[i]?.goroutines, number, 1],
    ["longest GC pause", (_, i) => s[i]?.pause, took, 1], ["collections", (_, i) => s[i]?.gcs, number],
  ];
  if (runs.length === 1) {
    const tile = (name, value) => el("div", { class: "tile" }, el("dt", {}, name), el("dd", {}, value));
    return el("dl", { class: "facts" }, tile("lasted", lasted(runs[0].run.last - runs[0].run.first)), facts.map(([name, pick, write]) => pick(runs[0], 0) ? tile(name, write(pick(runs[0], 0))) : null));
  }
  return frame(heads(runs, ""), el("tbody", {}, el("tr", {}, el("th", { scope: "row" }, "lasted"), runs.map((d) => el("td", { class: "n" }, lasted(d.run.last - d.run.first))), runs.length > 1 ? el("td", {}) : null),
    facts.map(([name, pick, write, worse]) => {
      const values = runs.map(pick);
      if (!values.some(Boolean)) return null;
      return el("tr", {}, el("th", { scope: "row" }, name), values.map((v) => el("td", { class: "n" + (worse && ["fatal", "error", "failed"].includes(name) && v ? " error-text" : "") }, v === undefined ? "–" : write(v))), runs.length > 1 ? change(values[0], values[1], worse) : null);
    })));
}

function errorRow(e, runs, counted) {
  const d = runs[counted.length > 1 && !counted[0] ? 1 : 0];
  const q = `level>=error source:${quote(d.run.source)} template:${quote(e.template)} ${terms(Math.max(d.run.first, 1), d.run.last + 1)}`;
  return el("tr", {}, el("th", { scope: "row", class: "wrap" }, el("a", { "data-row": true, href: "/?" + new URLSearchParams({ q, id: e.sample }) }, e.type ? el("span", { class: "type" }, line(e.type), " ") : "", line(e.template) || "(no message)")),
    counted.map((n) => el("td", { class: "n" }, n ? number(n) : "–")), counted.length > 1 ? change(...counted, 1) : null);
}

function errors(runs) {
  const kinds = new Map();
  runs.forEach((d, i) => d.errors.forEach((e) => {
    const key = e.type + "\u0000" + e.template;
    if (!kinds.has(key)) kinds.set(key, { ...e, counted: runs.map(() => 0) });
    kinds.get(key).counted[i] = e.n;
    if (i) kinds.get(key).sample = e.sample;
  }));
  const all = [...kinds.values()].sort((x, y) => y.counted.at(-1) - x.counted.at(-1) || y.counted[0] - x.counted[0]);
  if (!all.length) return [el("h2", {}, "Errors"), el("p", { class: "quiet" }, runs.length > 1 ? "No errors in either run." : "No errors in this run.")];
  const part = (title, list, cls) => (list.length ? [el("h3", { class: cls }, `${title} (${list.length})`), frame(heads(runs, "Kind of error"), el("tbody", {}, list.map((e) => errorRow(e, runs, e.counted))))] : []);
  return [el("h2", {}, "Errors"), ...(runs.length === 1 ? [frame(heads(runs, "Kind of error"), el("tbody", {}, all.map((e) => errorRow(e, runs, e.counted))))]
    : [...part("New in B", all.filter((e) => !e.counted[0]), "worse"), ...part("Gone since A", all.filter((e) => !e.counted[1]), "better"), ...part("In both", all.filter((e) => e.counted[0] && e.counted[1]))])];
}

function requests(runs) {
  const names = [...new Set(runs.flatMap((d) => d.routes.map((r) => r.name)))];
  if (!names.length) return [];
  const of = (d, name) => d.routes.find((r) => r.name === name);
  const columns = [["n", (r) => r?.n, number], ["p50", (r) => r?.quantiles[0], took, 1], ["p95", (r) => r?.quantiles[1], took, 1], ["p99", (r) => r?.quantiles[2], took, 1], ["failed", (r) => r?.failed, number, 1]];
  const two = runs.length > 1;
  return [el("h2", {}, "Requests by route"), frame(el("thead", {},
    el("tr", {}, el("th", { scope: "col", rowspan: two ? "2" : undefined }, "Route"), columns.map(([name]) => el("th", { scope: "colgroup", class: two ? "group" : "n", colspan: two ? "3" : undefined }, name === "n" ? "requests" : name))),
    two ? el("tr", {}, columns.map(() => [el("th", { scope: "col", class: "n first" }, "A"), el("th", { scope: "col", class: "n" }, "B"), el("th", { scope: "col", class: "n" }, "")])) : null),
  el("tbody", {}, names.map((name) => el("tr", {}, el("th", { scope: "row" }, line(name)), columns.map(([what, pick, write, worse]) => {
    const values = runs.map((d) => pick(of(d, name)));
    return [values.map((v, i) => el("td", { class: "n" + (two && !i ? " first" : "") + (what === "failed" && v ? " error-text" : "") }, v === undefined ? "–" : write(v))), two ? change(values[0], values[1], worse) : null];
  })))))];
}

function overTime(runs) {
  return el("div", { class: runs.length > 1 ? "two" : "one" }, runs.map((d, i) => el("section", { class: "tile" }, el("h3", {}, runs.length > 1 ? "AB"[i] + ": " : "", "records over ", lasted(d.run.last - d.run.first), ", errors in red"),
    spark(d.bars.map((b) => b[0]), "records over time", d.bars.map((b) => b[1])))));
}

function processes(runs) {
  if (!runs.some((d) => d.process?.points.length)) return [];
  return [el("h2", {}, "Process"), ...runs.map((d, i) => (d.process?.points.length ? el("article", { class: "process" }, runs.length > 1 ? el("h3", {}, "AB"[i]) : "", process(d.process, d.run.last + 1)) : null)).filter(Boolean)];
}

function head(d, i, two) {
  const r = d.run;
  const pin = el("button", { type: "button", class: "pin", "aria-pressed": String(r.pinned), "aria-label": "pin", title: "Keep what is counted of it", onclick: async () => {
    try {
      r.pinned = (await get(`/api/runs/${r.id}/${r.pinned ? "unpin" : "pin"}`, {}, { method: "POST" })).pinned;
      pin.setAttribute("aria-pressed", String(r.pinned));
    } catch (e) {
      pin.after(failure(e));
    }
  } }, "★");
  return el("section", { class: "tile run-head" }, two ? el("span", { class: "letter" }, "AB"[i]) : null,
    el("div", {}, el("h2", {}, line(r.source), " ", Date.now() - r.last < 30000 ? el("span", { class: "live" }, "live") : ""), el("code", { class: "quiet" }, line(r.name)),
      el("p", {}, iso(r.first), " – ", iso(r.last), " UTC")),
    el("a", { class: "button", href: "/?" + new URLSearchParams({ q: `source:${quote(r.source)} ${terms(Math.max(r.first, 1), r.last + 1)}` }) }, "Its time in the logs"), pin);
}

async function chooser(run) {
  const { runs } = await get("/api/runs", { source: run.source });
  const options = runs.filter((r) => r.id !== run.id);
  if (!options.length) return el("span", { class: "quiet" }, "There is no other run of this source to compare with.");
  const select = el("select", { "aria-label": "Compare with", onchange: () => (location.href = `/runs/${run.id}?with=${select.value}`) },
    el("option", { value: "" }, "Compare with …"), options.map((r) => el("option", { value: r.id }, `${label(r)}, ${number(sum(r.levels))} records`)));
  return select;
}

try {
  const runs = (await Promise.all([id, other].filter(Boolean).map((x) => get("/api/runs/" + encodeURIComponent(x))))).sort((a, b) => a.run.first - b.run.first);
  const two = runs.length > 1;
  fill(el("div", { class: "bar-top" }, el("h1", {}, two ? "Two runs" : "Run"), el("a", { href: "/runs" }, "all runs"), two ? el("span", { class: "quiet" }, "A began first") : await chooser(runs[0].run)),
    el("div", { class: two ? "two" : "one" }, runs.map((d, i) => head(d, i, two))), overTime(runs), el("div", { class: "block" }, counts(runs)),
    el("div", { class: "block" }, errors(runs)), el("div", { class: "block" }, requests(runs)), el("div", { class: "block" }, processes(runs)));
  document.title = `${two ? "Two runs" : "Run"}: ${line(runs[0].run.source)} · slogship`;
  walk(document.getElementById("main"));
} catch (e) {
  fill(failure(e));
}
onKey("Escape", () => (location.href = "/runs"));
