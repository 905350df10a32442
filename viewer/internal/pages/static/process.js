// How a process was, as viewer/agent reports it: four charts.
import { lines } from "./chart.js";
import { bytes, el, number, took } from "./dom.js";

// process draws the charts of one process; to is the end of the time, in ms.
export function process(p, to) {
  const steps = Math.max(Math.ceil((to - p.from) / p.step), 2);
  const draw = (title, pick, more) => lines(title, p.points.map((x) => [x.at, ...pick(x)]), { steps, time: (i) => p.from + i * p.step, names: [title], ...more });
  const cores = (v) => (v < 0.1 ? (v * 100).toFixed(1) : Math.round(v * 100)) + " %";
  return el("div", { class: "panels" },
    draw(`CPU, of ${p.cpus || "?"} ${p.cpus === 1 ? "core" : "cores"}`, (x) => [x.cpu], { write: cores, least: 0.1 }),
    draw("Memory", (x) => [x.memory, x.heap], { names: ["", "heap "], write: bytes }),
    draw("Goroutines", (x) => [x.goroutines], { write: number, least: 10 }),
    draw("Longest GC pause", (x) => [x.pause], { write: took, bars: true, least: 1000 }));
}

// summary sums up a process: averages and peaks.
export function summary(p) {
  if (!p?.points.length) return null;
  const most = (pick) => Math.max(...p.points.map(pick));
  return { cpu: p.points.reduce((sum, x) => sum + x.cpu, 0) / p.points.length, memory: most((x) => x.memory), heap: most((x) => x.heap),
    goroutines: most((x) => x.goroutines), pause: most((x) => x.pause), gcs: p.points.reduce((sum, x) => sum + x.gcs, 0) };
}
