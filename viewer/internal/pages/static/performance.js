// Requests by route: rate, how long they took, how many failed; and how the
// processes are that viewer/agent reports of.
import { ago, el, get, lasted, line, number, took } from "./dom.js";
import { spark } from "./chart.js";
import { process } from "./process.js";
import { empty, endpoint, failure, fill, snippet, walk } from "./shell.js";

const params = new URLSearchParams(location.search);
const routes = el("section", { class: "block", "aria-label": "Requests by route" });
const processes = el("section", { class: "block", "aria-label": "Processes" });
const times = [["15m", "last 15 min"], ["1h", "last hour"], ["6h", "last 6 h"], ["24h", "last day"], ["7d", "last week"]];
const last = el("select", { "aria-label": "Time", onchange: () => {
  history.replaceState(null, "", "?last=" + last.value);
  load();
} }, times.map(([v, t]) => el("option", { value: v, selected: v === (params.get("last") || "1h") }, t)));
let shown = "";

fill(el("div", { class: "bar-top" }, el("h1", {}, "Performance"), last), routes, processes);
walk(routes);

function table({ routes: list, from, to }) {
  if (!list.length) {
    return empty("No requests in this time.", el("p", {}, "Spans of servers (kind SERVER) are summed up here by method and route. Point an OpenTelemetry SDK here:"), endpoint());
  }
  const minutes = Math.max((to - from) / 60000, 1);
  const head = ["Route", "Requests", "A minute", "p50", "p95", "p99", "Failed", "Over time"];
  const slow = Math.max(...list.map((r) => r.quantiles[1]));
  return [el("h2", {}, "Requests by route"), el("div", { class: "scroll-x", tabindex: "0", role: "group", "aria-label": "Routes" }, el("table", {},
    el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: i && i < 7 ? "n" : undefined }, h)))),
    el("tbody", {}, list.map((r) => el("tr", {},
      el("th", { scope: "row" }, el("a", { "data-row": true, href: "/traces?" + new URLSearchParams({ name: r.name, last: "24h" }) }, line(r.name))),
      el("td", { class: "n" }, number(r.n)), el("td", { class: "n" }, (r.n / minutes).toFixed(1)),
      r.quantiles.map((q, i) => el("td", { class: "n" + (i === 1 && q === slow && list.filter((x) => x.quantiles[1] === slow).length === 1 ? " strong" : "") }, took(q))),
      el("td", { class: "n" + (r.failed ? " error-text" : "") }, r.failed ? `${number(r.failed)} (${((100 * r.failed) / r.n).toFixed(1)} %)` : "0"),
      el("td", {}, spark(r.rate, "requests over time"))))))),
  el("p", { class: "quiet small" }, `Whole minutes, the slowest p95 first. Quantiles are at most 15 % too high.`)];
}

function charts({ processes: list, to }) {
  if (!list.length) {
    return empty("No process reports.", el("p", {}, "CPU, memory, goroutines and pauses of the garbage collector come with one more line in the application:"),
      snippet(`import "github.com/slogship/slogship/viewer/agent"\n\ndefer agent.Start(h, nil).Stop() // h is the application's slog.Handler`));
  }
  return [el("h2", {}, "Processes"), list.map((p) => el("article", { class: "process" },
    el("header", { class: "process-head" }, el("h3", {}, line(p.run.source)), el("a", { href: "/runs/" + p.run.id }, el("code", {}, line(p.run.name).slice(0, 12))),
      el("span", { class: "quiet" }, to - p.run.sampled < 30000 ? "runs for " + lasted(p.run.last - p.run.first) : "ended " + ago(p.run.sampled)),
      p.run.sampled > to - 30000 ? el("span", { class: "live" }, "live") : null), process(p, to)))];
}

async function load() {
  try {
    const [r, p] = await Promise.all([get("/api/routes", { last: last.value }), get("/api/processes", { last: last.value })]);
    const now = JSON.stringify([r.routes, p.processes]);
    if (now === shown) return; // nothing moves under a reader's hand
    shown = now;
    const focused = routes.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    routes.replaceChildren(...[table(r)].flat());
    processes.replaceChildren(...[charts(p)].flat(2));
    if (focused) routes.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  } catch (e) {
    routes.replaceChildren(failure(e));
  }
}

load();
setInterval(() => document.visibilityState === "visible" && !processes.matches(":hover") && load(), 5000);
