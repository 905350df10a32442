package slogship

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// A payload reads as the parts that it was made of, in however small steps, and
// each reader begins anew.
func TestPayloadReader(t *testing.T) {
	p := newPayload([][]byte{[]byte("head"), nil, []byte("event,"), []byte("event"), {}, []byte("tail")})
	const want = "headevent,eventtail"
	if p.size != len(want) || p.raw != len(want) || p.reader().Len() != len(want) {
		t.Errorf("size %d, raw %d, Len %d, want %d", p.size, p.raw, p.reader().Len(), len(want))
	}
	for _, r := range []io.Reader{p.reader(), iotest.OneByteReader(p.reader()), iotest.HalfReader(p.reader())} {
		if err := iotest.TestReader(r, []byte(want)); err != nil {
			t.Error(err)
		}
	}
	r := p.reader()
	if _, err := io.CopyN(io.Discard, r, 7); err != nil || r.Len() != len(want)-7 {
		t.Errorf("%d bytes left, want %d", r.Len(), len(want)-7)
	}
}

// A payload that was withdrawn is not read any more, by no reader.
func TestPayloadWithdraw(t *testing.T) {
	data := []byte(strings.Repeat("x", 1<<16))
	p := newPayload([][]byte{data})
	var reading sync.WaitGroup
	for range 4 {
		r := p.reader()
		reading.Go(func() {
			var err error
			for err == nil {
				_, err = r.Read(make([]byte, 100))
			}
			if err != io.EOF && !errors.Is(err, errWithdrawn) {
				t.Error(err)
			}
		})
	}
	p.withdraw()
	for i := range data {
		data[i] = 'y' // the race detector sees a reader that goes on
	}
	reading.Wait()
	if _, err := p.reader().Read(make([]byte, 1)); !errors.Is(err, errWithdrawn) {
		t.Errorf("reading a withdrawn payload: %v", err)
	}
}

// What coder writes can be read again, and nothing of one body is left in the
// next.
func TestCoder(t *testing.T) {
	for _, kind := range []Compression{Gzip, Zstd, None} {
		c := coder{kind: kind}
		for i := range 20 {
			text := []byte(strings.Repeat(fmt.Sprint("some text ", i), 10*i))
			c.begin()
			c.write(text[:len(text)/3])
			c.write(nil)
			c.write(text[len(text)/3:])
			got := c.end()
			if kind == None {
				if got != nil {
					t.Error("None compresses")
				}
				continue
			}
			if back := inflate(t, got, kind.String()); !bytes.Equal(back, text) {
				t.Errorf("%v: %d bytes came back for %d", kind, len(back), len(text))
			}
		}
	}
}

// A server may answer before it has read the body, and net/http goes on sending
// it then. The memory is used again by that time; what still reads it must have
// been stopped. (That is for the race detector; and each body that did arrive
// must be whole.)
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	n, whole := 0, []string(nil)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%4 != 0 {
			// The answer leaves at once, and the connection stays open.
			w.WriteHeader([]int{503, 200, 429}[n%3])
			w.(http.Flusher).Flush()
			if n%2 == 0 {
				_, _ = io.CopyN(io.Discard, r.Body, 1000)
			}
			return
		}
		whole = append(whole, readRequest(t, r).messages...)
	}))
	defer backend.Close()
	h, err := New(backend.URL, &Options{
		Compression: None, BatchRecords: 20, MaxBackoff: time.Millisecond,
		FlushInterval: time.Millisecond, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{Handler: h, t: t}
	within(t, time.Minute, func() {
		for range 5 {
			for i := range 100 {
				logTo(h, fmt.Sprint(i, strings.Repeat("m", 20_000)))
			}
			if err := h.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			tr.balanced()
		}
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	tr.wantBooks(500, Dropped{}, 0)
	if len(whole) == 0 {
		t.Error("no body arrived whole")
	}
	for _, m := range whole {
		if len(m) < 20_000 {
			t.Fatalf("%.20q arrived in %d bytes", m, len(m))
		}
	}
}
