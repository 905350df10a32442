// The histogram: stacked bars by level, an SVG that zooms by dragging.
import { el, iso, number } from "./dom.js";

const height = 84;
const shown = ["trace", "debug", "info", "warn", "error", "fatal"];

// histogram draws h; zoom(from, to) is called with a range in ms that was chosen.
export function histogram(h, zoom) {
  const n = h.bars.length;
  const width = 1000;
  const w = width / n;
  const sums = h.bars.map((b) => b.reduce((x, y) => x + y, 0));
  const top = Math.max(1, ...sums);
  const total = sums.reduce((x, y) => x + y, 0);
  const svg = el("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `${number(total)} records over time, ${h.classes[4] + h.classes[5]} of them errors` });
  // One path for each level: a rectangle for each count would be hundreds of elements.
  const paths = shown.map(() => "");
  const wide = Math.max(w - (n > 300 ? 0 : 1), 0.5).toFixed(2);
  h.bars.forEach((bar, i) => {
    let y = height;
    bar.forEach((count, c) => {
      if (!count) return;
      // What is there is seen: an error among a million infos, too.
      const tall = Math.max((count / top) * (height - 4), 2);
      y -= tall;
      paths[c] += `M${(i * w).toFixed(2)} ${Math.max(y, 0).toFixed(2)}h${wide}v${tall.toFixed(2)}h-${wide}z`;
    });
  });
  paths.forEach((d, c) => d && svg.append(el("path", { class: "bar " + shown[c], d })));
  const mark = el("rect", { class: "mark", x: 0, y: 0, width: 0, height });
  svg.append(mark);
  const says = el("output", { class: "says" });
  const rest = `${h.exact ? "" : "about "}${number(total)} records${h.exact ? "" : ", of what was looked at"}`;
  says.textContent = rest;

  const at = (e) => {
    const box = svg.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((e.clientX - box.left) / box.width) * n), 0), n - 1);
  };
  let from = null;
  const range = (a, b) => {
    const lo = Math.min(a, b), hi = Math.max(a, b);
    mark.setAttribute("x", lo * w);
    mark.setAttribute("width", (hi - lo + 1) * w);
    const count = sums.slice(lo, hi + 1).reduce((x, y) => x + y, 0);
    says.textContent = `${iso(h.from + lo * h.step)} – ${iso(h.from + (hi + 1) * h.step).slice(11)}: ${number(count)}`;
    return [h.from + lo * h.step, h.from + (hi + 1) * h.step];
  };
  svg.addEventListener("pointerdown", (e) => {
    from = at(e);
    svg.setPointerCapture(e.pointerId);
  });
  svg.addEventListener("pointermove", (e) => range(from ?? at(e), at(e)));
  svg.addEventListener("pointerup", (e) => {
    if (from !== null) zoom(...range(from, at(e)));
    from = null;
  });
  svg.addEventListener("pointerleave", () => {
    if (from !== null) return;
    mark.setAttribute("width", 0);
    says.textContent = rest;
  });
  const axis = el("div", { class: "axis", "aria-hidden": "true" });
  for (const part of [0, 0.5, 1]) axis.append(el("span", {}, iso(h.from + part * n * h.step)));
  return el("figure", { class: "over-time" }, svg, axis, says);
}

// spark draws a few counts as a small line of bars.
export function spark(counts, label) {
  const top = Math.max(1, ...counts);
  const svg = el("svg", { class: "spark", viewBox: `0 0 ${counts.length * 4} 20`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  counts.forEach((n, i) => {
    const tall = n ? Math.max((n / top) * 20, 1.5) : 0.5;
    svg.append(el("rect", { x: i * 4, y: (20 - tall).toFixed(2), width: 3, height: tall.toFixed(2) }));
  });
  return svg;
}
