// The list of traces, by the spans by which services were entered.
import { clock, debounce, el, get, line, took } from "./dom.js";
import { empty, endpoint, failure, fill, onKey, walk } from "./shell.js";

const params = new URLSearchParams(location.search);
const names = el("datalist", { id: "span-names" });
const sources = el("datalist", { id: "source-names" });
const field = (name, props, ...children) => el("label", {}, props.label, el(props.tag || "input", { name, value: props.tag ? undefined : params.get(name) || "", ...props, label: undefined, tag: undefined }, ...children));
const form = el("form", { class: "filters", role: "search", onsubmit: (e) => e.preventDefault() },
  field("name", { label: "Name ", list: "span-names", autocomplete: "off" }), field("source", { label: "Source ", list: "source-names", autocomplete: "off" }),
  field("min", { label: "At least ", placeholder: "20ms", size: "6" }),
  field("last", { label: "Time ", tag: "select" }, [["", "all"], ["15m", "last 15 min"], ["1h", "last hour"], ["24h", "last day"]].map(([v, t]) => el("option", { value: v, selected: params.get("last") === v }, t))),
  el("label", {}, el("input", { type: "checkbox", name: "failed", value: "1", checked: params.get("failed") === "1" }), " failed"), names, sources);
const list = el("div", { class: "rows", role: "table", "aria-label": "Traces" });
const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => load() }, "Older traces");
let next = "", run = 0;

fill(el("div", { class: "bar-top" }, el("h1", {}, "Traces")), form, list, more);
walk(list);
onKey("/", () => form.elements.name.select());
form.addEventListener("input", debounce(() => start(), 200));

const filters = () => Object.fromEntries([...new FormData(form)].filter(([, v]) => v));

function row(s) {
  const name = line(s.name) || "(no name)";
  return el("a", { class: "row trace-row " + (s.failed ? "error" : ""), role: "row", "data-row": true, href: "/traces/" + s.trace },
    el("span", { class: "time", role: "cell", title: s.time }, clock(s.time)), el("span", { class: "level", role: "cell" }, s.failed ? "failed" : "ok"),
    el("span", { class: "source", role: "cell" }, line(s.source)), el("span", { class: "msg", role: "cell" }, el("b", {}, name), s.status ? " " + line(s.status) : ""),
    el("span", { class: "took", role: "cell" }, took(s.duration)));
}

async function load() {
  const mine = ++run;
  try {
    const page = await get("/api/traces", { ...filters(), cursor: next });
    if (mine !== run) return;
    const fresh = document.createDocumentFragment();
    fresh.append(...page.traces.map(row));
    list.append(fresh);
    next = page.next || "";
    more.hidden = !next;
    names.replaceChildren(...page.names.slice(0, 500).map((n) => el("option", { value: n })));
    sources.replaceChildren(...page.sources.slice(0, 500).map((n) => el("option", { value: n })));
  } catch (e) {
    if (mine === run) list.append(failure(e));
  }
}

async function start() {
  next = "";
  const f = filters();
  history.replaceState(null, "", Object.keys(f).length ? "?" + new URLSearchParams(f) : location.pathname);
  list.replaceChildren();
  await load();
  if (!list.childElementCount) {
    list.append(Object.keys(f).length ? empty("No such traces.") : empty("No traces yet.", el("p", {}, "Point an OpenTelemetry SDK here:"), endpoint()));
  }
}

start();
