// A record, as a row of a list and as the drawer beside it.
import { clock, copy, el, get, line } from "./dom.js";
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

// row shows a record on a line; open is called with it.
export function row(r, open) {
  const gone = loss(r);
  const attrs = gone ? [] : flat(r.attrs).filter(([k]) => k !== "trace_id" && k !== "span_id" && !k.startsWith("resource.") && !k.startsWith("context."));
  return el("div", { class: "row " + r.class + (gone ? " gone" : ""), role: "row", "data-row": true, "data-id": r.id, tabindex: "0",
    onclick: () => open(r), onkeydown: (e) => {
      if (e.key === "Enter" || e.key === " ") {
        e.preventDefault();
        open(r);
      }
    } },
    el("span", { class: "time", role: "cell", title: r.time }, clock(r.time)),
    el("span", { class: "level", role: "cell" }, r.level),
    el("span", { class: "source", role: "cell", title: r.source }, line(r.source)),
    el("span", { class: "msg", role: "cell" }, el("b", {}, gone ? lost(gone) : line(r.msg) || "(no message)"),
      attrs.slice(0, 8).map(([k, v]) => el("span", { class: "pair" }, " ", el("i", {}, line(k)), "=" + line(String(v)).slice(0, 120)))));
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
    this.context = el("div", { class: "context" }, "…");
    const attrs = flat(r.attrs);
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
    const open = (r) => this.open(r);
    this.context.replaceChildren(
      ...[...after].reverse().map((r) => row(r, open)), el("div", { class: "row here " + record.class }, el("span", { class: "time" }, clock(record.time)), el("span", { class: "level" }, record.level),
        el("span", { class: "source" }, line(record.source)), el("span", { class: "msg" }, el("b", {}, line(record.msg) || "(no message)"))), ...before.map((r) => row(r, open)));
  }
}
