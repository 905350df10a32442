// Requests by route: rate, how long they took, how many failed.
import { el, get, line, number, took } from "./dom.js";
import { spark } from "./chart.js";
import { empty, failure, fill, walk } from "./shell.js";

const params = new URLSearchParams(location.search);
const table = el("div", { class: "scroll-x", tabindex: "0", "aria-label": "Routes" });
const last = el("select", { "aria-label": "Time", onchange: () => {
  history.replaceState(null, "", "?last=" + last.value);
  load();
} }, [["15m", "last 15 min"], ["1h", "last hour"], ["6h", "last 6 h"], ["24h", "last day"], ["7d", "last week"]].map(([v, t]) => el("option", { value: v, selected: v === (params.get("last") || "1h") }, t)));

fill(el("div", { class: "bar-top" }, el("h1", {}, "Performance"), last), table);
walk(table);

async function load() {
  try {
    const { routes, from, to } = await get("/api/routes", { last: last.value });
    if (!routes.length) {
      table.replaceChildren(empty("No requests in this time.", el("p", {}, "Spans of servers (kind SERVER) are summed up here by method and route. Point an OpenTelemetry SDK here:"),
        el("pre", { tabindex: "0" }, `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} ./myapp`)));
      return;
    }
    const minutes = Math.max((to - from) / 60000, 1);
    const head = ["Route", "Requests", "A minute", "p50", "p95", "p99", "Failed", "Over time"];
    table.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: i && i < 7 ? "n" : undefined }, h)))),
      el("tbody", {}, routes.map((r) => el("tr", {},
        el("th", { scope: "row" }, el("a", { "data-row": true, href: "/traces?" + new URLSearchParams({ name: r.name, last: "24h" }) }, line(r.name))),
        el("td", { class: "n" }, number(r.n)), el("td", { class: "n" }, (r.n / minutes).toFixed(1)), r.quantiles.map((q) => el("td", { class: "n" }, took(q))),
        el("td", { class: "n" + (r.failed ? " error-text" : "") }, r.failed ? `${number(r.failed)} (${((100 * r.failed) / r.n).toFixed(1)} %)` : "0"),
        el("td", {}, spark(r.rate, "requests over time")))))), el("p", { class: "quiet" }, "Quantiles are upper ends of buckets 15 % wide."));
  } catch (e) {
    table.replaceChildren(failure(e));
  }
}

load();
setInterval(() => document.visibilityState === "visible" && load(), 10000);
