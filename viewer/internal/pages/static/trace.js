// One trace: a waterfall of its spans, and the logs that belong to it.
import { el, get, line, took } from "./dom.js";
import { Drawer, flat, opens, row } from "./record.js";
import { failure, fill, onKey, walk } from "./shell.js";

const id = location.pathname.split("/").pop();
const kinds = ["", "internal", "server", "client", "producer", "consumer"];
const drawer = new Drawer((term) => (location.href = "/?" + new URLSearchParams({ q: term })));
const detail = el("aside", { class: "drawer", hidden: true, tabindex: "-1", "aria-label": "Span" });

// order returns spans as a tree walk, with depths. A span whose parent is not
// there is a root; a circle of parents ends.
function order(spans) {
  const ids = new Set(spans.map((s) => s.id));
  const children = new Map();
  for (const s of spans) {
    const p = s.parent && s.parent !== s.id && ids.has(s.parent) ? s.parent : "";
    children.set(p, [...(children.get(p) || []), s]);
  }
  const out = [], seen = new Set();
  const stack = (children.get("") || []).map((s) => [s, 0]).reverse();
  const visit = () => {
    while (stack.length) {
      const [s, depth] = stack.pop();
      if (seen.has(s.id)) continue;
      seen.add(s.id);
      out.push([s, depth]);
      for (const c of [...(children.get(s.id) || [])].reverse()) stack.push([c, depth + 1]);
    }
  };
  visit();
  for (const s of spans) if (!seen.has(s.id)) {
    stack.push([s, 0]);
    visit();
  }
  return out;
}

// keep has the address open the same span again.
function keep(span) {
  history.replaceState(null, "", span ? "?span=" + span : location.pathname);
}

function show(s, logs) {
  keep(s.id);
  drawer.element.hidden = true;
  const mine = logs.filter((r) => r.span === s.id);
  const pairs = (o) => el("dl", { class: "attrs" }, flat(o).map(([k, v]) => [el("dt", {}, k), el("dd", {}, String(v))]));
  detail.replaceChildren(
    el("div", { class: "drawer-head" }, el("h2", {}, line(s.name)), el("button", { type: "button", "aria-label": "close", onclick: () => close() }, "✕")),
    el("p", { class: s.failed ? "failure" : "quiet" }, `${s.source} · ${kinds[s.kind] || "span"} · ${took(s.duration)}${s.failed ? " · failed " + (s.status || "") : ""}`),
    s.attrs ? pairs(s.attrs) : el("p", { class: "quiet" }, "No attributes."),
    ...(s.events || []).map((e) => el("section", {}, el("h3", {}, `${line(e.name)} at +${took(Math.max(0, Number(BigInt(e.time) - BigInt(s.start))))}`), e.attrs ? pairs(e.attrs) : "")),
    el("h3", {}, mine.length ? "Its logs" : "No logs."), opens(el("div", { class: "context" }, mine.map(row)), (x) => drawer.open(x)));
  detail.hidden = false;
  detail.focus({ preventScroll: true });
}

function close() {
  if (detail.hidden) return;
  detail.hidden = true;
  const { span } = Object.fromEntries(new URLSearchParams(location.search));
  document.querySelector(`[data-span="${CSS.escape(span || "")}"]`)?.focus();
  keep(null);
}

function waterfall(spans, logs) {
  const begin = spans.reduce((m, s) => (BigInt(s.start) < m ? BigInt(s.start) : m), BigInt(spans[0].start));
  const at = (s) => Number(BigInt(s.start) - begin);
  const whole = Math.max(1, ...spans.map((s) => at(s) + s.duration));
  const own = new Map();
  for (const r of logs) own.set(r.span, [...(own.get(r.span) || []), r]);
  const ns = (t) => BigInt(Date.parse(t.slice(0, 19) + "Z")) * 1000000n + BigInt(t.slice(20, 29));
  const ruler = el("div", { class: "span-row ruler", "aria-hidden": "true" }, el("span", {}), el("span", { class: "axis" }, [0, 0.25, 0.5, 0.75, 1].map((part) => el("span", {}, part ? took(Math.round(whole * part)) : "0"))), el("span", {}));
  return el("div", { class: "waterfall" }, ruler, el("div", { role: "table", "aria-label": "Spans" }, order(spans).map(([s, depth]) => {
    const bar = el("span", { class: "span-bar" + (s.failed ? " error" : "") });
    bar.style.left = (at(s) / whole) * 100 + "%";
    bar.style.width = Math.max((s.duration / whole) * 100, 0.3) + "%";
    const name = el("span", { class: "span-name", role: "cell" }, line(s.name) || "(no name)", el("small", {}, " " + line(s.source) + (own.has(s.id) ? ` · ${own.get(s.id).length} ${own.get(s.id).length === 1 ? "log" : "logs"}` : "")));
    name.style.paddingInlineStart = 0.4 + Math.min(depth, 12) * 0.8 + "rem";
    const dots = (own.get(s.id) || []).slice(0, 100).map((r) => {
      const dot = el("span", { class: "dot " + r.class });
      dot.style.left = Math.min(Math.max((Number(ns(r.time) - begin) / whole) * 100, 0), 100) + "%";
      return dot;
    });
    return el("div", { class: "span-row", role: "row", "data-row": true, "data-span": s.id, tabindex: "0", onclick: () => show(s, logs), onkeydown: (e) => e.key === "Enter" && show(s, logs) },
      name, el("span", { class: "span-track", role: "cell" }, bar, dots), el("span", { class: "took", role: "cell" }, took(s.duration)));
  })));
}

onKey("Escape", () => {
  drawer.close();
  close();
});

try {
  const { spans, logs } = await get("/api/traces/" + encodeURIComponent(id));
  const list = el("div", { class: "list" },
    spans.length ? waterfall(spans, logs) : el("p", { class: "note" }, "No spans of this trace came; these are its logs."),
    el("h2", {}, logs.length ? "Logs" : "No logs in this trace."), opens(el("div", { class: "rows", role: logs.length ? "table" : undefined, "aria-label": logs.length ? "Logs" : undefined }, logs.map(row)), (x) => {
      detail.hidden = true;
      drawer.open(x);
    }));
  fill(el("div", { class: "bar-top" }, el("h1", {}, spans.length ? line(spans[0].name) : "Trace"), el("code", { class: "quiet" }, id)), el("div", { class: "columns" }, list, detail, drawer.element));
  walk(list);
  const span = spans.find((s) => s.id === new URLSearchParams(location.search).get("span"));
  if (span) show(span, logs);
} catch (e) {
  fill(failure(e));
}
