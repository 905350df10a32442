// How the viewer is: rates, sizes, retention, and what was refused.
import { ago, bytes, el, get, iso, number, took } from "./dom.js";
import { failure, fill } from "./shell.js";

const body = el("div", { class: "tiles" });
const errors = el("div", {});
fill(el("div", { class: "bar-top" }, el("h1", {}, "Status")), errors, body);
let before = null;

function tile(title, value, more, part) {
  const meter = part === undefined ? null : el("meter", { min: "0", max: "1", value: String(Math.min(part, 1)), "aria-label": title });
  return el("section", { class: "tile" }, el("h2", {}, title), el("p", { class: "big" }, value), meter, el("p", { class: "quiet" }, more));
}

async function load() {
  try {
    const s = await get("/api/status");
    const now = performance.now();
    const rate = before ? Math.max(0, (s.rows - before.rows) / ((now - before.at) / 1000)) : 0;
    before = { rows: s.rows, at: now };
    errors.replaceChildren(s.last_error ? failure({ error: `${number(s.failed)} rows could not be kept, and their senders were told: ${s.last_error}` }) : "");
    body.replaceChildren(
      tile("Comes in", number(Math.round(rate)) + " a second", `${number(s.rows)} rows since the start, in ${number(s.commits)} commits`),
      tile("Kept", number(s.logs) + " records", `${s.sources} sources, ${number(s.templates)} kinds of message`),
      tile("On disk", bytes(s.bytes), `the oldest go above ${bytes(s.max_bytes)}`, s.bytes / s.max_bytes),
      tile("Goes back to", s.oldest ? ago(s.oldest) : "–", s.oldest ? `${iso(s.oldest)} UTC; older than ${Math.round(s.max_age / 3.6e12)} h goes` : `what is older than ${Math.round(s.max_age / 3.6e12)} h goes`),
      tile("A commit takes", s.commits ? took(s.commit_p50) : "–", s.commits ? `p99 ${took(s.commit_p99)}` : "none yet"),
      tile("Waits for a commit", bytes(s.queued), `of ${bytes(s.queue_bytes)}; ${number(s.refused)} batches found it full and were told to come again`, s.queued / s.queue_bytes),
      tile("Came again", number(s.doubled), "rows with an id that was there already, kept once"),
      tile("Deleted by age or size", number(s.expired), "rows since the start"));
  } catch (e) {
    errors.replaceChildren(failure(e));
  }
}

load();
setInterval(() => document.visibilityState === "visible" && load(), 2000);
