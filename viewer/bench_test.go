package viewer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkIngest is what a record costs, of all goroutines, from a request's body
// to the commit. Bodies are not compressed: inflating is the library's.
//
//	go test -run '^$' -bench Ingest -cpu 1
func BenchmarkIngest(b *testing.B) {
	v, err := New(b.TempDir(), &Options{FastCommits: true})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	const batch = 2000
	now := time.Now()
	body := func(n int) string {
		var s strings.Builder
		s.WriteString(`{"batch":[`)
		for i := range batch {
			k := n*batch + i
			if i > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, `{"id":"%032x%016x","timestamp":%q,"message":"charged card ending in %d","metadata":{"level":"info","method":"GET","route":"/orders","status":200,"latency_ms":%d.5,"user":{"id":%d,"plan":"gold"},"request":{"id":"r%d"}}}`,
				7, k, now.Add(time.Duration(k)*time.Millisecond).Format(time.RFC3339Nano), k%10000, k%500, k%100_000, k)
		}
		s.WriteString("]}")
		return s.String()
	}
	rows := 0
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		r := httptest.NewRequest(http.MethodPost, "/logs", strings.NewReader(body(n)))
		r.Host = "localhost"
		w := httptest.NewRecorder()
		b.StartTimer()
		if v.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Body)
		}
		rows += batch
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/record")
}
