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

// fillAttacks puts each attack into each field.
export async function fillAttacks(viewer) {
  const time = new Date().toISOString();
  for (const a of attacks) {
    const record = { time, level: "ERROR", msg: a, [a]: a, nested: { [a]: [a] }, error: { type: a }, stack: a };
    await viewer.post("/ndjson?source=" + encodeURIComponent(a), JSON.stringify(record));
    await viewer.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: a } }] }, scopeSpans: [{ spans: [{ traceId: hex(0xabc, 32),
      spanId: hex(attacks.indexOf(a) + 1, 16), name: a, kind: 2, startTimeUnixNano: String(BigInt(Date.now()) * 1000000n), endTimeUnixNano: String(BigInt(Date.now() + 5) * 1000000n), status: { code: 2, message: a },
      attributes: [{ key: a, value: { stringValue: a } }, { key: "http.route", value: { stringValue: a } }], events: [{ name: a, timeUnixNano: String(BigInt(Date.now()) * 1000000n), attributes: [{ key: a, value: { stringValue: a } }] }] }] }] }] }));
  }
}
