package measure

import (
	"context"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// Thousand is 1,000 calls, as the client that slogship descends from counts.
type Thousand struct {
	Peer   string  `json:"peer"`
	Micros float64 `json:"micros"` // median
	Bytes  float64 `json:"bytes"`  // allocated by the whole process, median
	Allocs float64 `json:"allocs"`
}

const thousands = 100

func thousand(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	pl, err := open(s, p, peers.Setup{Compression: s.Compression, Queue: Queue})
	if err != nil {
		return nil, err
	}
	var micros, bytes, n []float64
	for i := range thousands {
		n0, b0 := allocs()
		start := time.Now()
		for j := range 1000 {
			records.Log(ctx, pl.log, i*1000+j)
		}
		took := time.Since(start)
		n1, b1 := allocs()
		if i > 0 { // the first warms up
			micros = append(micros, float64(took.Nanoseconds())/1e3)
			bytes = append(bytes, float64(b1-b0))
			n = append(n, float64(n1-n0))
		}
		if pl.sink.Flush != nil {
			flush, cancel := context.WithTimeout(ctx, 10*time.Second)
			_ = pl.sink.Flush(flush)
			cancel()
		}
	}
	_ = pl.closeWithin(ctx, 10*time.Second)
	return Thousand{Peer: p.Name, Micros: Median(micros), Bytes: Median(bytes), Allocs: Median(n)}, pl.backend.Close()
}
