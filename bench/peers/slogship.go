package peers

import (
	"time"

	"github.com/slogship/slogship"

	"github.com/slogship/slogship/bench/receiver"
)

var slogshipPeer = Peer{
	Name:     "slogship",
	Title:    "slogship",
	Modules:  []string{"github.com/slogship/slogship"},
	Proto:    receiver.Logflare,
	Plain:    None,
	Others:   []Compression{Gzip, Zstd},
	Settings: "Logflare's format (for zstd, the same format with a server that inflates it), MaxPending of the queue's bound, MaxPendingBytes 512 B a record, BatchRecords 20,000 and BatchBytes 4 MiB (table 3: 10,000 and 1 MiB, its defaults; table 5: 40,000 and 8 MiB, with Requests 4 clamped to 16,384 records); Flush is Handler.Flush",
	Defaults: "slogship.New(url, nil) (gzip, 10,000 records or 1 MiB a batch, 65,536 records or 32 MiB pending); end: Handler.Close",
	Open:     openSlogship,
}

func openSlogship(s Setup) (*Sink, error) {
	url := s.URL + "/logs?source=bench"
	if s.README {
		h, err := slogship.New(url, nil)
		if err != nil {
			return nil, err
		}
		return &Sink{Handler: h, Flush: h.Flush, Close: h.Shutdown}, nil
	}
	opts := &slogship.Options{
		AddSource:       s.Source,
		MaxPending:      s.Queue,
		MaxPendingBytes: 512 * s.Queue,
		BatchRecords:    s.Batch.of(10_000, 20_000, 40_000),
		BatchBytes:      s.Batch.of(1<<20, 4<<20, 8<<20),
		FlushInterval:   time.Second,
		Requests:        s.Requests,
		OnError:         func(error) {},
	}
	switch s.Compression {
	case Gzip:
		opts.Compression = slogship.Gzip
	case Zstd:
		opts.Compression = slogship.Zstd
		opts.Format = inflatesZstd{slogship.Logflare()}
	default:
		opts.Compression = slogship.None
	}
	if s.Adjust != nil {
		s.Adjust(opts)
	}
	h, err := slogship.New(url, opts)
	if err != nil {
		return nil, err
	}
	return &Sink{Handler: h, Flush: h.Flush, Close: h.Shutdown}, nil
}

// inflatesZstd is Logflare's format for a server that, unlike Logflare's,
// inflates zstd: it shows what the compression costs, all else being equal.
type inflatesZstd struct{ slogship.Format }

func (f inflatesZstd) Layout() slogship.Layout {
	l := f.Format.Layout()
	l.Zstd = true
	return l
}
