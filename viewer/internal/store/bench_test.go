package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// BenchmarkRareWord searches 300,000 rows for a word that one of them has: what a
// block of 1,024 rows costs that the filter rules out, and one that it does not.
//
//	go test -run '^$' -bench RareWord ./internal/store
func BenchmarkRareWord(b *testing.B) {
	s, err := Open(b.TempDir(), Options{Fast: true, MaxAge: 1e18})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for range 60 {
		var logs []event.Log
		for range 5000 {
			l := at(time.Duration(n)*time.Millisecond, fmt.Sprintf("charged card ending in %d", n%10000))
			l.Attrs = []byte(fmt.Sprintf(`{"method":"GET","route":"/orders","status":200,"latency_ms":%d.5,"user":{"id":%d,"plan":"gold"},"request":{"id":"r%d"}}`, n%500, n*7919%100_000, n))
			logs = append(logs, l)
			n++
		}
		if err := s.Append(b.Context(), &Batch{Logs: logs}); err != nil {
			b.Fatal(err)
		}
	}
	var bytes, blocks int64
	s.read.QueryRow("SELECT sum(length(bits)), count(*)/16 FROM filters").Scan(&bytes, &blocks)
	b.Logf("%d bytes in %d blocks: %d a row", bytes, blocks, bytes/int64(n))
	scanned := 0
	for b.Loop() {
		p, err := s.Scan(b.Context(), &Selection{Tokens: event.AppendWords(nil, []byte("r77")), Match: func(r *Record) bool { return false }}, 0, 100, false, Budget{Time: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		scanned += p.Scanned
	}
	b.ReportMetric(float64(scanned)/float64(b.N), "rows/op")
}
