// What all pages build their elements with. Text reaches the page as text nodes
// only, with what one cannot see made visible.

const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

const plain = /^[\x20-\x7e]*$/; // most texts: nothing in them is to be replaced

// visible shows control characters and those that turn the direction of text.
export function visible(text) {
  text = String(text);
  return plain.test(text) ? text : text.replace(hidden, (c) => "⟨U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
}

// line shows a text on one line.
export function line(text) {
  text = String(text);
  return plain.test(text) ? text : visible(text.replace(/\r?\n/g, "⏎").replace(/\t/g, " "));
}

// title is one of SVG: a page has its own already.
const svgTags = new Set(["svg", "rect", "line", "path", "g", "title"]);

// el makes an element: properties that begin with "on" listen, others are
// attributes; children are elements or texts.
export function el(tag, props = {}, ...children) {
  const e = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : visible(c))));
  return e;
}

// Answers that came with the page. Each is good for one question.
const first = JSON.parse(document.getElementById("first")?.textContent || "{}");

function answered(url) {
  const key = [url.pathname, ...[...url.searchParams].map(([name, value]) => name + "=" + value).sort()].join("\n");
  const answer = first[key];
  delete first[key];
  return answer;
}

// get asks the API. What it refuses is thrown, with error, pos and end.
export async function get(path, params = {}, options = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== "" && value !== null) url.searchParams.set(name, value);
  const known = options.method ? undefined : answered(url);
  if (known) return known;
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw { error: "The viewer does not answer. Is it still running?" };
  }
  let body;
  try {
    body = await answer.json();
  } catch {
    body = { error: "The viewer answered " + answer.status };
  }
  if (!answer.ok) throw body;
  return body;
}

const numbers = new Intl.NumberFormat("en");

export function number(n) {
  return numbers.format(n);
}

export function bytes(n) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (n < 1000 || unit === "GB") return (unit === "B" || n >= 100 ? Math.round(n) : n.toFixed(1)) + " " + unit;
    n /= 1000;
  }
}

// took writes a duration in ns.
export function took(ns) {
  if (ns < 1e3) return ns + " ns";
  for (const [unit, size] of [["µs", 1e3], ["ms", 1e6], ["s", 1e9]]) {
    const n = ns / size;
    if (n < 1000 || unit === "s") return (n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : Math.round(n)) + " " + unit;
  }
}

let day = "", dayEnds = 0;

// clock writes the time of day of an RFC 3339 time in UTC, date first if it is not today's.
export function clock(time) {
  const now = Date.now();
  if (now >= dayEnds) {
    day = new Date(now).toISOString().slice(0, 10);
    dayEnds = Date.parse(day) + 86400_000;
  }
  return time.startsWith(day) ? time.slice(11, 23) : time.slice(5, 10) + " " + time.slice(11, 23);
}

export function ago(ms, now = Date.now()) {
  const s = Math.max(0, (now - ms) / 1000);
  if (s < 60) return Math.round(s) + " s ago";
  if (s < 3600) return Math.round(s / 60) + " min ago";
  if (s < 86400 * 2) return Math.round(s / 3600) + " h ago";
  return Math.round(s / 86400) + " days ago";
}

// iso writes a time in ms to the second.
export function iso(ms) {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

// stamp writes a time in ms as the query language takes it, no longer than it must be.
export function stamp(ms) {
  const text = new Date(ms).toISOString();
  if (ms % 60000 === 0) return text.slice(0, 16);
  return ms % 1000 === 0 ? text.slice(0, 19) : text;
}

// lasted writes how long something took, in ms.
export function lasted(ms) {
  const s = Math.round(ms / 1000);
  if (s < 60) return (ms < 10000 ? (ms / 1000).toFixed(1) : s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}

// painted waits until what is on the page now is seen. A page's first frame is seen
// some time after it is made: what is added earlier holds it up.
export function painted() {
  return new Promise((done) => {
    if (performance.getEntriesByName("first-contentful-paint").length) {
      requestAnimationFrame(() => setTimeout(done));
      return;
    }
    new PerformanceObserver((list, observer) => {
      observer.disconnect();
      done();
    }).observe({ type: "paint", buffered: true });
    setTimeout(done, 300); // a page that is not in front is not painted
  });
}

export function debounce(fn, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
}

export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    button.textContent = "not allowed";
  }
  setTimeout(() => (button.textContent = before), 1200);
}
