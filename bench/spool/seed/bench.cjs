// Measures async-append-only-log: node bench.cjs RECORDS FILE [check]
//
// RECORDS has each record after its length, a little-endian u32. It prints the seconds
// that appending took, until the log has drained: until then records are in memory only;
// and those of reading all of it from a new log. With check it compares what it read.
const fs = require('fs')
const Log = require('async-append-only-log')

const [input, file, check] = process.argv.slice(2)
const bytes = fs.readFileSync(input)
const records = []
for (let at = 0; at < bytes.length;) {
  const n = bytes.readUInt32LE(at)
  records.push(bytes.subarray(at + 4, at + 4 + n))
  at += 4 + n
}
const fail = (err) => { console.error(err); process.exit(1) }
const options = { blockSize: 64 * 1024 }
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9

const log = Log(file, options)
let began = process.hrtime.bigint()
let next = 0
// In parts, so that it can write between them as it would in a program.
function append() {
  const end = Math.min(next + 10000, records.length)
  for (; next < end; next++) log.append(records[next], (err) => { if (err) fail(err) })
  if (next < records.length) return setImmediate(append)
  log.onDrain(() => {
    const wrote = seconds(began)
    log.close((err) => { if (err) fail(err); read(wrote) })
  })
}

function read(wrote) {
  const log = Log(file, options)
  log.onDrain(() => {
    let n = 0
    began = process.hrtime.bigint()
    log.stream({ offsets: false }).pipe({
      paused: false,
      write(value) {
        if (check && !records[n].equals(value)) fail('record ' + n + ' is not the same')
        n++
      },
      end(err) {
        if (err && err !== true) fail(err)
        if (n !== records.length) fail(n + ' of ' + records.length + ' records')
        console.log(wrote, seconds(began))
        process.exit(0)
      }
    })
  })
}

append()
