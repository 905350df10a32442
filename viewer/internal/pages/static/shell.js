// What all pages share: theme, help, keys.
import { copy, el } from "./dom.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
}

setTheme(localStorage.getItem("theme"));
document.getElementById("theme").addEventListener("click", () => {
  const now = root.dataset.theme || (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  setTheme(next);
});

const keys = document.getElementById("keys");
document.getElementById("help").addEventListener("click", () => keys.showModal());

// Keys of the page: a map from key to what it does. Typing in a field is left alone.
const handlers = new Map();
let goTo = false;

export function onKey(key, fn) {
  handlers.set(key, fn);
}

onKey("?", () => keys.showModal());
onKey("d", () => document.getElementById("theme").click());

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || keys.open) return;
  const typing = e.target.matches("input, textarea, select");
  if (e.key === "Escape") {
    if (typing) e.target.blur();
    handlers.get("Escape")?.(e);
    return;
  }
  if (typing) return;
  if (goTo) {
    goTo = false;
    const link = document.querySelector(`nav a[data-key="${CSS.escape(e.key)}"]`);
    if (link) {
      e.preventDefault();
      link.click();
      return;
    }
  }
  if (e.key === "g") {
    goTo = true;
    return;
  }
  if (e.key === "Enter" && e.target.matches("a, button, summary, [role=row]")) return;
  const fn = handlers.get(e.key);
  if (fn) {
    e.preventDefault();
    fn(e);
  }
});

export const main = document.getElementById("main");

// fill replaces what the page shows.
export function fill(...children) {
  main.replaceChildren(...children.flat().filter(Boolean));
}

// failure shows what went wrong.
export function failure(e) {
  return el("p", { class: "failure", role: "alert" }, e.error || String(e));
}

// empty shows how the first record gets in.
export function empty(what, ...examples) {
  return el("section", { class: "empty" }, el("h2", {}, what), examples);
}

// snippet shows what to type, and copies it.
export function snippet(text) {
  return el("div", { class: "snippet" }, el("pre", { tabindex: "0" }, text), el("button", { type: "button", onclick: (e) => copy(text, e.currentTarget) }, "copy"));
}

// endpoint is what points an OpenTelemetry SDK here.
export function endpoint() {
  return snippet(`OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} ./myapp`);
}

export function firstLogs() {
  const at = location.origin;
  return [
    el("p", {}, "Type this, and it is there:"),
    snippet(`echo '{"level":"warn","msg":"hello, viewer","user":{"id":42}}' | curl --data-binary @- ${at}/ndjson`),
    el("p", {}, "From Go, with slogship, and how the process is:"),
    snippet(`h, err := slogship.New("${at}/logs?source=myapp", nil)\nif err != nil {\n\treturn err\n}\ndefer h.Close()\ndefer agent.Start(h, nil).Stop() // slogship/viewer/agent\nslog.SetDefault(slog.New(h))`),
    el("p", {}, "From any OpenTelemetry SDK:"),
    endpoint(),
  ];
}

// rows makes a list that j, k and the arrows walk through; Enter opens.
export function walk(list, selector = "[data-row]") {
  const step = (by) => {
    const all = [...list.querySelectorAll(selector)];
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  onKey("j", () => step(1));
  onKey("k", () => step(-1));
  onKey("ArrowDown", () => step(1));
  onKey("ArrowUp", () => step(-1));
}
