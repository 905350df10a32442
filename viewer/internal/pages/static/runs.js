// Runs of programs: which there were, what they logged, and two of them to compare.
import { ago, el, get, iso, lasted, line, number } from "./dom.js";
import { empty, failure, fill, snippet, onKey, walk } from "./shell.js";

const params = new URLSearchParams(location.search);
const pinnedOnly = () => params.get("pinned") === "1";
const list = el("div", { class: "rows runs", role: "table", "aria-label": "Runs" });
const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => load() }, "Earlier runs");
const compare = el("button", { type: "button", class: "primary", disabled: true, onclick: () => go() }, "Compare two");
const source = el("select", { "aria-label": "Source", onchange: () => choose({ source: source.value }) });
const tab = (text, pinned) => el("button", { type: "button", "aria-pressed": String(pinnedOnly() === pinned), onclick: (e) => {
  for (const b of e.currentTarget.parentElement.children) b.setAttribute("aria-pressed", String(b === e.currentTarget));
  choose({ pinned: pinned ? "1" : "" });
} }, text);
let next = "", chosen = [];

fill(el("div", { class: "bar-top" }, el("h1", {}, "Runs"), el("div", { class: "tabs", role: "group", "aria-label": "Which" }, tab("All", false), tab("Pinned", true)), source, compare),
  el("p", { class: "note", id: "runs-note", role: "status" }), list, more);
const note = document.getElementById("runs-note");
walk(list);

function choose(changes) {
  for (const [k, v] of Object.entries(changes)) v ? params.set(k, v) : params.delete(k);
  history.replaceState(null, "", params.size ? "?" + params : location.pathname);
  start();
}

const current = () => document.activeElement?.closest?.("[data-row]");
onKey("x", () => current()?.querySelector("input").click());
onKey("p", () => current()?.querySelector(".pin").click());
onKey("c", () => go());

function go() {
  if (chosen.length === 2) location.href = `/runs/${chosen[0]}?with=${chosen[1]}`;
  else note.textContent = "Choose two runs: x on a row, or its box.";
}

function choice(id, box) {
  chosen = box.checked ? [...chosen, id].slice(-2) : chosen.filter((c) => c !== id);
  for (const b of list.querySelectorAll("input")) b.checked = chosen.includes(b.value);
  compare.disabled = chosen.length !== 2;
  note.textContent = chosen.length === 1 ? "One run is chosen; choose another one." : chosen.length === 2 ? "Two are chosen: c compares them." : "";
}

async function pin(r, button) {
  try {
    const { pinned } = await get(`/api/runs/${r.id}/${r.pinned ? "unpin" : "pin"}`, {}, { method: "POST" });
    r.pinned = pinned;
    button.setAttribute("aria-pressed", String(pinned));
    note.textContent = pinned ? "Pinned: its counts are kept." : "No longer pinned: it goes when it is old.";
  } catch (e) {
    note.textContent = e.error || String(e);
  }
}

function row(r, now) {
  const l = r.levels, total = l.trace + l.debug + l.info + l.warn + l.error + l.fatal, errors = l.error + l.fatal;
  const live = now - r.last < 30000;
  const open = () => (location.href = "/runs/" + r.id);
  const inner = (e) => e.target.closest("button, input, a, label");
  return el("div", { class: "row run" + (errors ? " error" : ""), role: "row", "data-row": true, tabindex: "0", onclick: (e) => inner(e) || open(), onkeydown: (e) => {
    if (e.key === "Enter" && !inner(e)) open();
  } },
    el("span", { role: "cell" }, el("input", { type: "checkbox", value: r.id, checked: chosen.includes(r.id), "aria-label": `choose the run of ${line(r.source)} from ${iso(r.first)}`, onchange: (e) => choice(r.id, e.currentTarget) })),
    el("span", { class: "time", role: "cell", title: iso(r.first) + " UTC" }, iso(r.first)),
    el("span", { class: "msg", role: "cell" }, el("a", { href: "/runs/" + r.id, tabindex: "-1" }, line(r.source) || "(no source)"), " ", el("code", { class: "quiet", title: r.name }, line(r.name).slice(0, 16))),
    el("span", { class: "state", role: "cell" }, live ? el("span", { class: "live" }, "live") : el("span", { class: "quiet", title: "last heard of " + ago(r.last, now) }, "lasted"), " ", lasted(r.last - r.first)),
    el("span", { class: "n", role: "cell" }, number(total), el("small", { class: "quiet" }, " records")),
    el("span", { class: "n" + (errors ? " error-text" : " quiet"), role: "cell" }, number(errors), el("small", {}, errors === 1 ? " error" : " errors")),
    el("span", { class: "n quiet", role: "cell" }, r.requests ? [number(r.requests), el("small", {}, " requests")] : ""),
    el("span", { role: "cell" }, el("button", { type: "button", class: "pin", "aria-pressed": String(r.pinned), title: "Keep it (p)", "aria-label": "pin", onclick: (e) => pin(r, e.currentTarget) }, "★")));
}

async function load() {
  try {
    const page = await get("/api/runs", { source: params.get("source"), pinned: params.get("pinned"), before: next });
    const fresh = document.createDocumentFragment();
    fresh.append(...page.runs.map((r) => row(r, page.now)));
    list.append(fresh);
    next = page.next || "";
    more.hidden = !next;
    source.replaceChildren(el("option", { value: "" }, "all sources"), ...page.sources.slice(0, 500).map((s) => el("option", { value: s, selected: s === params.get("source") }, line(s))));
  } catch (e) {
    list.append(failure(e));
  }
}

async function start() {
  next = "";
  chosen = [];
  compare.disabled = true;
  list.replaceChildren();
  list.setAttribute("aria-busy", "true");
  await load();
  list.removeAttribute("aria-busy");
  if (list.childElementCount) return;
  list.append(pinnedOnly() ? empty("No run is pinned.", el("p", {}, "p pins a run of the list: what was counted of it is kept.")) : empty("No runs yet.",
    el("p", {}, "Whatever logs through slogship is a run from its start to its end, with nothing to set up:"),
    snippet(`h, err := slogship.New("${location.origin}/logs?source=myapp", nil)`),
    el("p", {}, "Other senders name a run by the attribute service.instance.id:"),
    snippet(`OTEL_RESOURCE_ATTRIBUTES=service.name=myapp,service.instance.id=$(uuidgen) ./myapp`)));
}

start();
