// Errors by kind: source, type and message template.
import { ago, el, get, iso, line, number } from "./dom.js";
import { spark } from "./chart.js";
import { quote } from "./record.js";
import { empty, failure, fill, onKey, snippet, walk } from "./shell.js";

const list = el("div", { class: "cards" });
const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => load() }, "Earlier ones");
let resolved = new URLSearchParams(location.search).get("resolved") === "1";
let next = "";

const tab = (text, value) => el("button", { type: "button", "aria-pressed": String(resolved === value), onclick: (e) => {
  resolved = value;
  history.replaceState(null, "", value ? "?resolved=1" : location.pathname);
  for (const b of e.currentTarget.parentElement.children) b.setAttribute("aria-pressed", String(b === e.currentTarget));
  start();
} }, text);

fill(el("div", { class: "bar-top" }, el("h1", {}, "Errors"), el("div", { class: "tabs", role: "group", "aria-label": "Which" }, tab("Open", false), tab("Resolved", true))), list, more);
walk(list);
onKey("r", () => document.activeElement?.closest?.(".card")?.querySelector(".settle").click());

// keep has the address open the same sample again.
function keep(id) {
  const p = new URLSearchParams(location.search);
  id ? p.set("group", id) : p.delete("group");
  history.replaceState(null, "", p.size ? "?" + p : location.pathname);
}

async function settle(g, card, button) {
  button.disabled = true;
  try {
    await get(`/api/errors/${g.id}/${resolved ? "reopen" : "resolve"}`, {}, { method: "POST" });
    (card.nextElementSibling || card.previousElementSibling)?.focus();
    card.remove();
    if (!list.childElementCount) start();
  } catch (e) {
    button.disabled = false;
    card.append(failure(e));
  }
}

async function sample(g, card, open) {
  card.querySelector(".sample")?.remove();
  if (!open) return;
  const box = el("div", { class: "sample" }, "…");
  card.append(box);
  try {
    const { record } = await get("/api/logs/" + g.sample);
    const stack = ["exception.stacktrace", "stacktrace", "stack", "error.stack", "err.stack"].map((k) => k.split(".").reduce((v, part) => v?.[part], record.attrs) ?? record.attrs?.[k]).find(Boolean);
    box.replaceChildren(el("p", {}, el("b", {}, record.msg)), stack ? el("pre", { tabindex: "0" }, typeof stack === "string" ? stack : JSON.stringify(stack, null, 2))
      : el("pre", { tabindex: "0" }, JSON.stringify(record.attrs ?? {}, null, 2)),
    el("p", {}, el("a", { href: "/?id=" + g.sample }, "the record, with what was around it"), record.trace ? " · " : "", record.trace ? el("a", { href: "/traces/" + record.trace }, "its trace") : ""));
  } catch (e) {
    box.replaceChildren(failure(e));
  }
}

function card(g) {
  const q = `level>=error source:${quote(g.source)} template:${quote(g.template)}`;
  const c = el("article", { class: "card" + (resolved ? " settled" : ""), "data-id": g.id, "data-row": true, tabindex: "0", onkeydown: (e) => {
    if (e.target === c && e.key === "Enter") c.querySelector(".show").click();
  } },
    el("div", { class: "card-head" },
      el("h2", {}, g.type ? el("span", { class: "type" }, line(g.type), " ") : "", line(g.template) || "(no message)"),
      spark(g.hours, "the last 24 hours"), el("span", { class: "count" }, number(g.n))),
    el("div", { class: "card-foot" },
      el("span", {}, line(g.source)), el("span", { title: iso(g.last) }, "last " + ago(g.last)), el("span", { title: iso(g.first) }, "first " + ago(g.first)),
      g.reopened ? el("span", { class: "warn-text" }, "came back") : "",
      el("button", { type: "button", class: "show push", "aria-expanded": "false", onclick: (e) => {
        const open = e.currentTarget.getAttribute("aria-expanded") !== "true";
        e.currentTarget.setAttribute("aria-expanded", String(open));
        keep(open ? g.id : null);
        sample(g, c, open);
      } }, "Sample"), el("a", { class: "button", href: "/?" + new URLSearchParams({ q }) }, "All of them"),
      el("button", { type: "button", class: "settle", onclick: (e) => settle(g, c, e.currentTarget) }, resolved ? "Reopen" : "Resolve")));
  return c;
}

async function load() {
  try {
    const page = await get("/api/errors", { resolved: resolved ? "1" : "", before: next });
    const fresh = document.createDocumentFragment();
    fresh.append(...page.groups.map(card));
    list.append(fresh);
    next = page.next || "";
    more.hidden = !next;
  } catch (e) {
    list.append(failure(e));
  }
}

async function start() {
  next = "";
  list.replaceChildren();
  await load();
  if (!list.childElementCount) {
    list.append(resolved ? empty("Nothing is resolved.") : empty("No errors.", el("p", {}, "Records at ERROR and above are grouped here by the type of the error and the kind of message:"),
      snippet(`slog.Error("order 42 failed", "error", err)`)));
  }
}

const group = new URLSearchParams(location.search).get("group");
await start();
if (group) list.querySelector(`[data-id="${CSS.escape(group)}"] .show`)?.click();
