// A viewer of its own for each test run, and what it is filled with.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function startViewer(binary, args = []) {
  const dir = mkdtempSync(join(tmpdir(), "viewer-browser-"));
  const child = spawn(binary, ["-addr", "127.0.0.1:0", "-dir", dir, "-fast", ...args], { stdio: ["ignore", "inherit", "pipe"] });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (d) => {
      said += d;
      const m = said.match(/http:\/\/[^/\s]+\/(\?token=\w+)?/);
      if (m) resolve(m[0]);
    });
    child.on("exit", (code) => reject(new Error(`the viewer ended with ${code}: ${said}`)));
  });
  return {
    url: url.replace(/\/(\?.*)?$/, ""),
    async post(path, body, type = "application/json") {
      const answer = await fetch(this.url + path, { method: "POST", body, headers: { "Content-Type": type } });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    },
    async get(path) {
      return (await fetch(this.url + path)).json();
    },
    async stop() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
}

// What is put into every field, and must come out as text.
export const attacks = [
  "<script>window.hit=1</script>", "<img src=x onerror=window.hit=1>", '"><svg onload=window.hit=1>', "javascript:window.hit=1", "'-window.hit=1-'",
  "{{constructor.constructor('window.hit=1')()}}", "</textarea></pre><iframe srcdoc='<script>parent.hit=1</script>'>", "\u202egnp.exe\u0007", "__proto__",
];

const hex = (n, width) => n.toString(16).padStart(width, "0");

// fill sends an hour of a small shop: requests, some slow, some failing, with traces.
export async function fill(viewer, records = 2000) {
  const now = Date.now();
  const random = (() => {
    let x = 42;
    return () => (x = (x * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  })();
  const bySource = { shop: [], payments: [], mailer: [] };
  const spans = [];
  for (let i = 0; i < records; i++) {
    const at = now - 3600_000 + (i / records) * 3600_000;
    const time = new Date(at).toISOString();
    const trace = hex(i + 1, 32), span = hex(i * 10 + 1, 16);
    const took = Math.round(3e6 + random() * 9e7);
    const route = ["/cart", "/orders/{id}", "/search", "/"][Math.floor(random() * 4)];
    const failed = random() < 0.03;
    bySource.shop.push({ time, level: failed ? "ERROR" : random() < 0.05 ? "WARN" : random() < 0.2 ? "DEBUG" : "INFO", msg: failed ? `order ${1000 + i} failed` : "request served",
      method: "GET", route, status: failed ? 500 : 200, took, user: { id: i % 97, plan: ["free", "gold"][i % 2] }, trace_id: trace, span_id: span,
      ...(failed ? { error: { type: "*pay.DeclinedError", msg: "card declined" }, stack: "main.order(/src/order.go:42)\nmain.serve(/src/serve.go:17)" } : {}) });
    if (i % 3 === 0) bySource.payments.push({ time, level: i % 120 === 0 ? "ERROR" : "INFO", msg: i % 120 === 0 ? "connection reset by peer" : `charged card ending in ${4000 + (i % 50)}`, amount: i * 3 });
    if (i % 7 === 0) bySource.mailer.push({ time, level: "INFO", msg: "mail sent", to: `user${i % 40}@example.com`, template: "receipt" });
    if (i % 4 === 0) {
      const start = BigInt(Math.round(at)) * 1000000n;
      const make = (id, parent, name, kind, from, length, extra) => spans.push({ traceId: trace, spanId: id, parentSpanId: parent, name, kind, startTimeUnixNano: String(start + BigInt(from)),
        endTimeUnixNano: String(start + BigInt(from + length)), ...extra });
      make(span, "", "GET " + route, 2, 0, took, { attributes: [{ key: "http.request.method", value: { stringValue: "GET" } }, { key: "http.route", value: { stringValue: route } }], status: failed ? { code: 2, message: "card declined" } : {} });
      make(hex(i * 10 + 2, 16), span, "load user", 1, Math.round(took * 0.05), Math.round(took * 0.2), {});
      make(hex(i * 10 + 3, 16), span, "SELECT orders", 3, Math.round(took * 0.3), Math.round(took * 0.4), { attributes: [{ key: "db.system", value: { stringValue: "postgresql" } }] });
      make(hex(i * 10 + 4, 16), hex(i * 10 + 3, 16), "charge", 3, Math.round(took * 0.35), Math.round(took * 0.2), failed ? { status: { code: 2 }, events: [{ timeUnixNano: String(start + BigInt(Math.round(took / 2))), name: "exception",
        attributes: [{ key: "exception.type", value: { stringValue: "*pay.DeclinedError" } }] }] } : {});
    }
  }
  for (const [source, list] of Object.entries(bySource)) {
    await viewer.post("/ndjson?source=" + source, list.map((r) => JSON.stringify(r)).join("\n"));
  }
  await viewer.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] }, scopeSpans: [{ spans }] }] }));
}

const prefix = (n) => hex(0xc0ffee + n * 0x1234, 8).slice(-8) + "4a1d77e0b52f9c3d8e61a0b4";

// fillRuns sends two runs of a worker with slogship's ids: the second one is slower, has
// a new kind of error, lacks another, and lost records; and how their processes were.
export async function fillRuns(viewer) {
  const now = Date.now(), minute = 60_000;
  const wave = (i, of) => (1 + Math.sin(i / of)) / 2;
  for (const [n, from, length] of [[0, now - 55 * minute, 20], [1, now - 25 * minute, 25]]) {
    const events = [], spans = [];
    let seq = 0;
    const add = (at, message, metadata) => events.push({ id: prefix(n) + hex(seq++, 16), timestamp: new Date(at).toISOString(), message, metadata });
    for (let i = 0; i < length * 12; i++) {
      const at = from + i * 5000;
      add(at, "slogship: process", { process: { run: "RUN" + n, interval_ms: 5000, cpu: 0.15 + 0.5 * wave(i, 9) + n * 0.3, cpus: 4, memory: 30e6 + i * (n ? 2e5 : 2e4), heap: 12e6 + 8e6 * wave(i, 3) + i * (n ? 1.5e5 : 0),
        goroutines: 20 + Math.round(10 * wave(i, 5)) + n * i, allocated: 5e6, gcs: 1 + (i % 3), pause_ns: Math.round(40_000 + 200_000 * wave(i, 2) ** 4) } });
      add(at + 500, "job done", { level: "INFO", queue: ["mail", "image"][i % 2], took: Math.round(5e6 + 4e7 * wave(i, 7)) });
      if (i % 30 === 7) add(at + 700, `job ${i} failed`, { level: "ERROR", error: { type: "*queue.TimeoutError", msg: "no answer" } });
      if (n === 0 && i % 40 === 9) add(at + 800, "lease was lost", { level: "ERROR", error: { type: "*lease.Error" } });
      if (n === 1 && i % 20 === 3) add(at + 800, "index is out of range", { level: "ERROR", exception: { type: "runtime.boundsError" }, stack: "main.resize(/src/image.go:81)" });
      if (i % 2) continue;
      const start = BigInt(Math.round(at)) * 1000000n, took = Math.round((3e6 + 4e7 * wave(i, 4)) * (1 + n));
      spans.push({ traceId: hex(0xbeef0000 + n * 10000 + i, 32), spanId: hex(0xbeef + i, 16), name: "POST /jobs", kind: 2, startTimeUnixNano: String(start), endTimeUnixNano: String(start + BigInt(took)),
        attributes: [{ key: "http.request.method", value: { stringValue: "POST" } }, { key: "http.route", value: { stringValue: "/jobs" } }], status: n && i % 50 === 4 ? { code: 2 } : {} });
    }
    await viewer.post("/logs?source=worker", JSON.stringify({ batch: events }));
    await viewer.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "worker" } }, { key: "service.instance.id", value: { stringValue: prefix(n) } }] }, scopeSpans: [{ spans }] }] }));
  }
  const lost = { lost: 1234, dropped: { overflow: 1200, too_large: 34 }, from: new Date(now - 12 * minute).toISOString(), to: new Date(now - 10 * minute).toISOString() };
  await viewer.post("/logs?source=worker", JSON.stringify({ batch: [{ id: hex(7, 48), timestamp: new Date(now - 10 * minute + 1500).toISOString(), message: "slogship: records lost", metadata: { level: "WARN", ...lost } }] }));
}

// fillAttacks puts each attack into each field.
export async function fillAttacks(viewer) {
  const time = new Date().toISOString();
  for (const a of attacks) {
    const record = { time, level: "ERROR", msg: a, "service.instance.id": a, [a]: a, nested: { [a]: [a] }, error: { type: a }, stack: a };
    await viewer.post("/ndjson?source=" + encodeURIComponent(a), JSON.stringify(record));
    await viewer.post("/ndjson?source=" + encodeURIComponent(a), [{ time, msg: "slogship: process", "service.instance.id": a, process: { run: a, cpu: 1, cpus: a } },
      { time, level: "WARN", msg: "slogship: records lost", lost: 7, dropped: { [a]: 7 }, from: a, to: a }].map((r) => JSON.stringify(r)).join("\n"));
    await viewer.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: a } }, { key: "service.instance.id", value: { stringValue: a } }] }, scopeSpans: [{ spans: [{ traceId: hex(0xabc, 32),
      spanId: hex(attacks.indexOf(a) + 1, 16), name: a, kind: 2, startTimeUnixNano: String(BigInt(Date.now()) * 1000000n), endTimeUnixNano: String(BigInt(Date.now() + 5) * 1000000n), status: { code: 2, message: a },
      attributes: [{ key: a, value: { stringValue: a } }, { key: "http.route", value: { stringValue: a } }], events: [{ name: a, timeUnixNano: String(BigInt(Date.now()) * 1000000n), attributes: [{ key: a, value: { stringValue: a } }] }] }] }] }] }));
  }
}
