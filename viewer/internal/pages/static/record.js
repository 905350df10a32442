// A record, as a row of a list and as the drawer beside it.
import { clock, copy, el, get, line, visible } from "./dom.js";
import { lost } from "./chart.js";
import { onKey } from "./shell.js";

// flat returns the scalars of an attribute object, with paths joined by dots.
export function flat(value, path = "", out = []) {
  if (Array.isArray(value)) value.forEach((v) => flat(v, path, out));
  else if (value && typeof value === "object") for (const [k, v] of Object.entries(value)) flat(v, path ? path + "." + k : k, out);
  else out.push([path, value]);
  return out;
}

// loss returns what slogship reports of records that it dropped, or null.
function loss(r) {
  const a = r.attrs;
  if (r.msg !== "slogship: records lost" || !(a?.lost > 0)) return null;
  const ms = (t) => (/^\d+$/.test(t) ? Number(t) / 1e6 : Date.parse(t));
  const at = Date.parse(r.time);
  return { n: Number(a.lost), from: ms(a.from) || at, to: ms(a.to) || at, why: a.dropped && typeof a.dropped === "object" ? a.dropped : {} };
}

const pattern = el("div", { class: "row", role: "row", "data-row": true, tabindex: "0" },
  el("span", { class: "time", role: "cell" }), el("span", { class: "level", role: "cell" }), el("span", { class: "source", role: "cell" }), el("span", { class: "msg", role: "cell" }, el("b")));
const records = new WeakMap(); // by row

const shownPairs = 8;
const elsewhere = (k) => k === "trace_id" || k === "span_id" || k.startsWith("resource.") || k.startsWith("context.");

// row shows a record on a line: a copy of the pattern, because a page has hundreds.
export function row(r) {
  const e = pattern.cloneNode(true);
  const [time, level, source, msg] = e.children;
  records.set(e, r);
  e.className = "row " + r.class;
  e.dataset.id = r.id;
  time.title = r.time;
  time.textContent = clock(r.time);
  level.textContent = r.level;
  source.title = source.textContent = line(r.source);
  const gone = loss(r);
  if (gone) {
    e.classList.add("gone");
    msg.firstChild.textContent = visible(lost(gone));
    return e;
  }
  msg.firstChild.textContent = line(r.msg) || "(no message)";
  let shown = 0, before = " ";
  for (const [k, v] of r.attrs ? flat(r.attrs) : []) {
    if (elsewhere(k)) continue;
    if (shown++ === shownPairs) break;
    const name = document.createElement("i");
    name.textContent = line(k);
    msg.append(before, name);
    before = "=" + line(v).slice(0, 120) + " ";
  }
  if (before !== " ") msg.append(before);
  return e;
}

// opens has a list of rows open the records that they show.
export function opens(list, open) {
  const at = (e) => records.get(e.target.closest(".row"));
  list.addEventListener("click", (e) => at(e) && open(at(e)));
  list.addEventListener("keydown", (e) => {
    if ((e.key !== "Enter" && e.key !== " ") || !at(e)) return;
    e.preventDefault();
    open(at(e));
  });
  return list;
}

// quote writes a value as the query language takes it.
export function quote(v) {
  const s = String(v);
  return /^[^\s"\\,:=<>!~-][^\s"\\,]*$/.test(s) ? s : '"' + s.replace(/["\\]/g, "\\$&") + '"';
}

const builtins = new Set(["level", "source", "template", "msg", "trace", "span", "last", "since", "until", "has"]);

// key writes an attribute's name so; it ends where an operator begins.
function key(k, attr) {
  if (attr && builtins.has(k)) return "attrs." + k;
  return /^[^\s"\\:=<>!~-][^\s"\\:=<>!~]*$/.test(k) ? k : '"' + k.replace(/["\\]/g, "\\$&") + '"';
}

// Drawer shows one record with all that it has.
export class Drawer {
  // filter(term) adds a term to the query; closed() is told when it closes.
  constructor(filter, closed) {
    this.filter = filter;
    this.closed = closed;
    this.element = el("aside", { class: "drawer", hidden: true, tabindex: "-1", "aria-label": "Record" });
    onKey("Escape", () => this.close());
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    document.querySelector(`[data-id="${CSS.escape(this.id)}"]`)?.focus();
    this.closed?.();
  }

  async open(r) {
    this.id = r.id;
    this.show(r);
    try {
      const all = await get("/api/logs/" + r.id);
      if (this.id === r.id) this.around(all);
    } catch (e) {
      if (this.id === r.id) this.context.replaceChildren(e.error || "");
    }
  }

  buttons(k, v, attr) {
    return el("span", { class: "acts" },
      el("button", { type: "button", title: "Only such", "aria-label": `filter for ${k}`, onclick: () => this.filter(`${key(k, attr)}:${quote(v)}`) }, "+"),
      el("button", { type: "button", title: "None such", "aria-label": `filter out ${k}`, onclick: () => this.filter(`${key(k, attr)}!=${quote(v)}`) }, "−"),
      el("button", { type: "button", title: "Copy", "aria-label": `copy ${k}`, onclick: (e) => copy(String(v), e.currentTarget) }, "copy"));
  }

  show(r) {
    const fields = [["level", r.level], ["source", r.source]];
    if (r.template) fields.push(["template", r.template]);
    if (r.trace) fields.push(["trace", r.trace]);
    if (r.span) fields.push(["span", r.span]);
    const table = (list, attr) => el("dl", { class: "attrs" }, list.map(([k, v]) => [
      el("dt", {}, k), el("dd", {}, el("span", { class: "value" }, v === null ? "null" : String(v)), this.buttons(k, v, attr))]));
    this.context = opens(el("div", { class: "context" }, "…"), (x) => this.open(x));
    const attrs = r.attrs ? flat(r.attrs) : [];
    this.element.replaceChildren(...[
      el("div", { class: "drawer-head" }, el("h2", {}, r.time.replace("T", " ")),
        el("button", { type: "button", onclick: (e) => copy(JSON.stringify(r, null, 2), e.currentTarget) }, "copy JSON"),
        el("button", { type: "button", "aria-label": "close", onclick: () => this.close() }, "✕")),
      el("pre", { class: "message " + r.class, tabindex: "0" }, r.msg || "(no message)"),
      r.trace ? el("p", {}, el("a", { href: "/traces/" + r.trace }, "the trace that it belongs to")) : null,
      table(fields), attrs.length ? el("h3", {}, "Attributes") : el("p", { class: "quiet" }, "No attributes."), table(attrs, true),
      el("h3", {}, "Around it, from the same source"), this.context].filter(Boolean));
    this.element.hidden = false;
    this.element.focus({ preventScroll: true });
    this.element.scrollTop = 0;
  }

  around({ before, after, record }) {
    this.context.replaceChildren(
      ...[...after].reverse().map(row), el("div", { class: "row here " + record.class }, el("span", { class: "time" }, clock(record.time)), el("span", { class: "level" }, record.level),
        el("span", { class: "source" }, line(record.source)), el("span", { class: "msg" }, el("b", {}, line(record.msg) || "(no message)"))), ...before.map(row));
  }
}
