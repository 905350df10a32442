package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// spanNames is how many names the spans have that enter a service.
const spanNames = 21

func spanName(i int) string { return fmt.Sprintf("GET /api/v1/items/%c", 'a'+i) }

// spans makes a body as an OpenTelemetry SDK sends it: OTLP's protobuf, gzip. Each
// trace has four spans, one of which enters a service.
func (g *generator) spans(n int) []byte {
	var scope []byte
	for i := range n {
		k := g.made.Add(1) - 1
		root := k % 4
		trace := binary.BigEndian.AppendUint64(make([]byte, 8, 16), uint64(k-root)*0x9e3779b97f4a7c15|1)
		id := binary.BigEndian.AppendUint64(nil, uint64(k)+1)
		at := g.first.Add(g.step * time.Duration(k)).UnixNano()
		span := field2(nil, 1, trace)
		span = field2(span, 2, id)
		name, kind := "SELECT items", 3
		if root == 0 {
			name, kind = spanName(rand.IntN(spanNames)), 2
		} else {
			span = field2(span, 4, binary.BigEndian.AppendUint64(nil, uint64(k-root)+1))
		}
		span = field2(span, 5, []byte(name))
		span = append(span, 6<<3, byte(kind))
		span = binary.LittleEndian.AppendUint64(append(span, 7<<3|1), uint64(at))
		span = binary.LittleEndian.AppendUint64(append(span, 8<<3|1), uint64(at+rand.Int64N(50_000_000)))
		span = field2(span, 9, attribute("http.request.method", "GET"))
		span = field2(span, 9, attribute("url.path", fmt.Sprintf("/api/v1/items/%d", k)))
		if i%100 == 0 {
			span = field2(span, 15, []byte{3 << 3, 2}) // failed
		}
		scope = field2(scope, 2, span)
	}
	resource := field2(nil, 1, attribute("service.name", g.source()))
	body := field2(nil, 1, field2(field2(nil, 1, resource), 2, scope))
	return gzipped(body)
}

// field2 appends a field whose value has a length.
func field2(dst []byte, number int, value []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(number<<3|2))
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

func attribute(key, value string) []byte {
	return field2(field2(nil, 1, []byte(key)), 2, field2(nil, 1, []byte(value)))
}

// traces fills the viewer with n spans, and asks what the page of traces asks.
func traces(v *process, n int) error {
	if n > 0 {
		if err := ingestSpans(v, n); err != nil {
			return err
		}
	}
	var page struct{ Traces []struct{ Start string } }
	if err := v.get("/api/traces", &page); err != nil || len(page.Traces) == 0 {
		return err
	}
	newest, err := strconv.ParseInt(page.Traces[0].Start, 10, 64)
	if err != nil {
		return err
	}
	middle := strconv.FormatInt((newest/1e6-int64(3*24*time.Hour/time.Millisecond))<<20, 10) // of a week
	name := url.QueryEscape(spanName(7))
	if err := v.tool("find_traces", map[string]any{"name": spanName(7), "source": "svc3"}); err != nil {
		return err
	}
	return askAll(v, []question{
		{"the latest 50 traces", "/api/traces", 100},
		{"a page in the middle", "/api/traces?cursor=" + middle, 100},
		{"by span name", "/api/traces?name=" + name, 100},
		{"by span name, middle", "/api/traces?name=" + name + "&cursor=" + middle, 100},
		{"by source", "/api/traces?source=svc3", 100},
		{"by span name and source", "/api/traces?source=svc3&name=" + name, 100},
		{"failed", "/api/traces?failed=1", 100},
	})
}

func ingestSpans(v *process, n int) error {
	g := newGenerator(n)
	bodies := make(chan []byte, 8)
	go func() { // ends when all are taken, or the process does
		defer close(bodies)
		for made := 0; made < n; made += batchSize {
			bodies <- g.spans(min(batchSize, n-made))
		}
	}()
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	start := time.Now()
	for range cap(failed) {
		wg.Go(func() {
			for body := range bodies {
				if err := v.send("/v1/traces", "application/x-protobuf", body); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	fmt.Printf("\n## %d spans\n\ningest            %8.0f spans/s\n", n, float64(n)/time.Since(start).Seconds())
	return <-failed
}
