// The search field: a query, what is wrong with it and where, and a choice of
// times.
import { el } from "./dom.js";
import { onKey } from "./shell.js";

const times = /(^|\s)-?(last|since|until)[:=]("[^"]*"|\S*)/g;

// withTime replaces the terms of time in a query.
export function withTime(q, terms) {
  return (q.replace(times, " ").trim() + " " + terms).trim();
}

export class Search {
  // go is called with a query that was entered.
  constructor(go, ranges = true) {
    this.go = go;
    this.input = el("input", { type: "search", name: "q", "aria-label": "Query", "aria-describedby": "query-error", autocomplete: "off", autocapitalize: "none",
      spellcheck: "false", placeholder: 'level>=warn source:api user.id=42 "a phrase" -this last:15m' });
    this.error = el("p", { class: "query-error", id: "query-error", role: "alert", hidden: true });
    this.range = el("select", { "aria-label": "Time" });
    for (const [value, text] of [["", "all time"], ["last:5m", "last 5 min"], ["last:15m", "last 15 min"], ["last:1h", "last hour"], ["last:6h", "last 6 h"], ["last:24h", "last day"], ["last:7d", "last week"], ["zoom", "chosen"]]) {
      this.range.append(el("option", { value, hidden: value === "zoom" }, text));
    }
    this.range.addEventListener("change", () => this.enter(withTime(this.input.value, this.range.value)));
    this.element = el("form", { class: "search" + (ranges ? " ranges" : ""), role: "search", onsubmit: (e) => {
      e.preventDefault();
      this.enter(this.input.value);
    } }, this.input, ranges ? this.range : null, el("button", { type: "submit" }, "Search"), this.error);
    onKey("/", () => this.input.select());
  }

  set(q) {
    this.input.value = q;
    const m = q.match(/(?:^|\s)(last:\S+)/);
    this.range.value = m && [...this.range.options].some((o) => o.value === m[1]) ? m[1] : m || /(^|\s)(since|until)[:=]/.test(q) ? "zoom" : "";
    this.failed(null);
  }

  enter(q) {
    q = q.trim();
    this.set(q);
    this.go(q);
  }

  add(term) {
    const q = this.input.value;
    if ((" " + q + " ").includes(" " + term + " ")) return;
    this.enter(q + " " + term);
  }

  // failed shows an error, and marks its place.
  failed(e) {
    this.error.hidden = !e;
    this.input.toggleAttribute("aria-invalid", Boolean(e));
    if (!e) return;
    this.error.replaceChildren();
    if (e.pos !== undefined) {
      const q = new TextEncoder().encode(this.input.value), text = new TextDecoder();
      const part = (a, b) => text.decode(q.slice(a, b));
      this.error.append(el("code", {}, part(0, e.pos), el("mark", {}, part(e.pos, e.end) || "␣"), part(e.end)), " ");
    }
    this.error.append(e.error || String(e));
  }
}
