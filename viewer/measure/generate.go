package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// batchSize is how many records a batch of slogship's has here.
const batchSize = 2000

// generator makes bodies as slogship sends them: Logflare's event batch, gzip,
// records of about 235 bytes, spread over a week.
type generator struct {
	made  atomic.Int64
	first time.Time
	step  time.Duration
	id    string
}

func newGenerator(rows int) *generator {
	return &generator{first: time.Now().Add(-7 * 24 * time.Hour), step: 7 * 24 * time.Hour / time.Duration(rows), id: fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())}
}

func (g *generator) source() string { return fmt.Sprintf("svc%d", rand.IntN(8)) }

var (
	routes = []string{"/", "/cart", "/orders/{id}", "/search", "/login", "/api/v1/items"}
	levels = []string{"info", "info", "info", "info", "info", "info", "info", "debug", "debug", "warn"}
)

// batch is the generator's goroutine's, or that of whoever is alone.
func (g *generator) batch(n int) []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, `{"batch":[`)
	for i := range n {
		k := g.made.Add(1) - 1
		if i > 0 {
			fmt.Fprint(&b, ",")
		}
		level, message := levels[rand.IntN(len(levels))], "request served"
		switch {
		case k%1_000_003 == 500_000:
			message = "the needle in the haystack"
		case k%200 == 7:
			level, message = "error", fmt.Sprintf("order %d failed", k)
		case k%3 == 0:
			message = fmt.Sprintf("charged card ending in %d", k%10_000)
		}
		at := g.first.Add(g.step * time.Duration(k)).UTC().Format("2006-01-02T15:04:05.000000Z")
		fmt.Fprintf(&b, `{"id":"%s%016x","timestamp":"%s","message":"%s","metadata":{"level":"%s","method":"GET","route":"%s","status":%d,"latency_ms":%d.%d,"user":{"id":%d,"plan":"gold"},"request":{"id":"r%d"}}}`,
			g.id, k, at, message, level, routes[rand.IntN(len(routes))], 200+rand.IntN(4), rand.IntN(500), rand.IntN(1000), rand.IntN(100_000), k)
	}
	fmt.Fprint(&b, "]}")
	return gzipped(b.Bytes())
}

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // into memory nothing fails
	}
	return b.Bytes()
}
