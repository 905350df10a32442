// Charts, as SVG: the histogram of the logs, lines over time, and small bars. Each is
// drawn once, a path for each colour.
import { el, iso, number, stamp } from "./dom.js";

const height = 84;
const shown = ["trace", "debug", "info", "warn", "error", "fatal"];
const reasons = { overflow: "the memory was full", rejected: "the server refused them", too_large: "too large", discarded: "discarded", closed: "logged after the end",
  shutdown: "left at the end", expired: "too old", corrupt: "damaged on the disk" };

// lost says how many records were lost, when, and why.
export function lost(l) {
  const to = iso(l.to);
  const why = Object.entries(l.why || {}).map(([reason, n]) => `${number(n)} ${reasons[reason] || reason.replaceAll("_", " ")}`);
  return `${number(l.n)} records lost, ${iso(l.from)}${l.to - l.from >= 1000 ? " – " + (to.slice(0, 10) === iso(l.from).slice(0, 10) ? to.slice(11) : to) : ""}${why.length ? ": " + why.join(", ") : ""}`;
}

const svg = (name, width, tall, props, ...children) => el("svg", { class: name, viewBox: `0 0 ${width} ${tall}`, preserveAspectRatio: "none", ...props }, ...children);
const box = (x, y, w, h) => `M${x.toFixed(2)} ${y.toFixed(2)}h${w.toFixed(2)}v${h.toFixed(2)}h-${w.toFixed(2)}z`;

// histogram draws h; zoom(from, to) is called with a range in ms that was chosen, and
// follow() with the address of the records that tell of losses.
export function histogram(h, zoom, follow) {
  const n = h.bars.length;
  const width = 1000;
  const w = width / n;
  const thick = Math.max(w - (n > 300 ? 0 : 1.5), 0.5);
  const sums = h.bars.map((b) => b.reduce((x, y) => x + y, 0));
  const top = Math.max(1, ...sums);
  const total = sums.reduce((x, y) => x + y, 0);
  const paths = shown.map(() => "");
  h.bars.forEach((bar, i) => {
    let y = height;
    bar.forEach((count, c) => {
      if (!count) return;
      // What is there is seen: an error among a million infos, too.
      const tall = Math.max((count / top) * (height - 4), 2);
      y -= tall;
      paths[c] += box(i * w, Math.max(y, 0), thick, tall);
    });
  });
  const span = n * h.step;
  const gaps = (h.losses || []).map((l) => {
    const x = Math.min(Math.max((l.from - h.from) / span, 0), 1) * width, end = Math.min(Math.max((l.to - h.from) / span, 0), 1) * width;
    return el("rect", { class: "gap", x: Math.max(Math.min(x, width - 4), 0).toFixed(2), y: 0, width: Math.max(end - x, 4).toFixed(2), height }, el("title", {}, lost(l)));
  });
  const mark = el("rect", { class: "mark", x: 0, y: 0, width: 0, height });
  const picture = svg("histogram", width, height, { role: "img", "aria-label": `${number(total)} records over time, ${number(h.classes[4] + h.classes[5])} of them errors` },
    paths.map((d, c) => d && el("path", { class: "bar " + shown[c], d })), gaps, mark);
  const says = el("output", { class: "says" });
  const rest = `${h.exact ? "" : "about "}${number(total)} records${h.exact ? "" : ", of what was looked at"}`;
  says.textContent = rest;

  const at = (e) => {
    const frame = picture.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((e.clientX - frame.left) / frame.width) * n), 0), n - 1);
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
  picture.addEventListener("pointerdown", (e) => {
    from = at(e);
    picture.setPointerCapture(e.pointerId);
  });
  picture.addEventListener("pointermove", (e) => {
    range(from ?? at(e), at(e));
    const l = from === null && (h.losses || []).find((x) => Math.floor((x.from - h.from) / h.step) <= at(e) && (x.to - h.from) / h.step >= at(e));
    if (l) says.textContent = lost(l);
  });
  picture.addEventListener("pointerup", (e) => {
    if (from !== null) zoom(...range(from, at(e)));
    from = null;
  });
  picture.addEventListener("pointerleave", () => {
    if (from !== null) return;
    mark.setAttribute("width", 0);
    says.textContent = rest;
  });
  const short = span < 86400_000 && iso(h.from).slice(0, 10) === iso(h.from + span).slice(0, 10);
  const axis = el("div", { class: "axis", "aria-hidden": "true" }, [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const text = iso(h.from + part * span);
    return el("span", {}, short && part > 0 ? text.slice(11) : text.slice(0, 16));
  }));
  const missing = (h.losses || []).reduce((sum, l) => sum + l.n, 0);
  return el("figure", { class: "over-time" }, el("span", { class: "scale", "aria-hidden": "true" }, number(top)), picture, axis, el("div", { class: "under" }, says,
    missing ? el("button", { type: "button", class: "gap-note", title: h.losses.slice(0, 8).map(lost).join("\n"), onclick: follow },
      `${number(missing)} records lost in ${number(h.losses.length)} ${h.losses.length === 1 ? "gap" : "gaps"}`) : null));
}

// terms writes a range as the query language takes it.
export const terms = (from, to) => `since:${stamp(from)} until:${stamp(to)}`;

// spark draws a few counts as a small line of bars; of them, bad ones are red.
export function spark(counts, label, bad = []) {
  const top = Math.max(1, ...counts);
  let good = "", red = "";
  counts.forEach((n, i) => {
    const tall = n ? Math.max((n / top) * 20, 1.5) : 0.5;
    good += box(i * 4, 20 - tall, 3, tall);
    if (bad[i]) red += box(i * 4, 20 - Math.max((bad[i] / top) * 20, 1.5), 3, Math.max((bad[i] / top) * 20, 1.5));
  });
  return svg("spark", counts.length * 4, 20, { role: "img", "aria-label": label }, el("path", { d: good }), red ? el("path", { class: "red", d: red }) : null);
}

// lines draws series of one unit over time. points are [step, value, ...], in order;
// where more than a few steps are missing, the line is broken. names has one for each
// value, write turns a value into text.
export function lines(title, points, { steps, names, write, least = 0, time, bars = false }) {
  const width = 400, tall = 72;
  const top = Math.max(least, ...points.map((p) => Math.max(...p.slice(1)))) || 1;
  const x = (step) => (step / Math.max(steps - 1, 1)) * width;
  const y = (v) => tall - 1 - (v / top) * (tall - 6);
  const drawn = names.map((name, k) => {
    let d = "", area = "", last = null, begin = null;
    for (const p of points) {
      const at = `${x(p[0]).toFixed(1)} ${y(p[k + 1]).toFixed(1)}`;
      if (bars) {
        if (p[k + 1]) d += `M${x(p[0]).toFixed(1)} ${tall}V${Math.min(y(p[k + 1]), tall - 2).toFixed(1)}`;
      } else if (last === null || p[0] - last > 9) {
        if (begin !== null) area += `V${tall}H${begin}z`;
        begin = x(p[0]).toFixed(1);
        d += `M${at}h.1`;
        area += `M${begin} ${tall}L${at}`;
      } else {
        d += "L" + at;
        area += "L" + at;
      }
      if (!bars && p === points.at(-1)) area += `V${tall}H${begin}z`;
      last = p[0];
    }
    return [k === 0 && !bars ? el("path", { class: "area", d: area }) : null, el("path", { class: "stroke s" + k + (bars ? " bars" : ""), d })];
  });
  const hair = el("line", { class: "hair", x1: -9, x2: -9, y1: 0, y2: tall });
  const picture = svg("lines", width, tall, { "aria-hidden": "true" }, drawn, hair);
  const value = el("output", { class: "value" });
  const when = el("span", { class: "quiet" });
  const say = (p, at) => {
    value.textContent = p ? p.slice(1).map((v, k) => (names.length > 1 ? names[k] : "") + write(v)).join(" · ") : "–";
    when.textContent = at ? iso(at).slice(11) : "";
  };
  say(points.at(-1));
  picture.addEventListener("pointermove", (e) => {
    const frame = picture.getBoundingClientRect();
    const step = ((e.clientX - frame.left) / frame.width) * (steps - 1);
    const near = points.reduce((best, p) => (!best || Math.abs(p[0] - step) < Math.abs(best[0] - step) ? p : best), null);
    if (!near) return;
    hair.setAttribute("x1", x(near[0]));
    hair.setAttribute("x2", x(near[0]));
    say(near, time(near[0]));
  });
  picture.addEventListener("pointerleave", () => {
    hair.setAttribute("x1", -9);
    hair.setAttribute("x2", -9);
    say(points.at(-1));
  });
  return el("figure", { class: "panel" }, el("figcaption", {}, el("h3", {}, title), value, when), picture,
    el("div", { class: "axis" }, el("span", {}, "highest ", write(points.length ? Math.max(...points.map((p) => p[1])) : 0)), el("span", { "aria-hidden": "true" }, "0 – " + write(top))));
}
