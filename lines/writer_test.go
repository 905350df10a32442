package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder keeps the records that it is handed.
type recorder struct {
	mu      sync.Mutex
	records []slog.Record
	least   slog.Level
	flushed int
	flush   func(ctx context.Context) error
	err     error
}

func (h *recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= h.least }
func (h *recorder) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h *recorder) WithGroup(string) slog.Handler                    { return h }

func (h *recorder) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = append(h.records, r)
	return h.err
}

func (h *recorder) Flush(ctx context.Context) error {
	h.flushed++
	if h.flush != nil {
		return h.flush(ctx)
	}
	return nil
}

// messages returns the messages so far, each with its attributes.
func (h *recorder) messages() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	messages := make([]string, 0, len(h.records))
	for _, r := range h.records {
		m := r.Message
		r.Attrs(func(a slog.Attr) bool {
			m += " " + a.String()
			return true
		})
		messages = append(messages, m)
	}
	return messages
}

func wantMessages(t *testing.T, h *recorder, want ...string) {
	t.Helper()
	if got := h.messages(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// An unfinished line waits for its end; Close ends it.
func TestWriteParts(t *testing.T) {
	var h recorder
	w := NewWriter(&h, nil)
	for _, part := range []string{"a", "", "b\n", "c\r", "\nd\r\ne\rf\n\n \t\r\n", "g"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", part, n, err)
		}
	}
	wantMessages(t, &h, "ab", "c", "d", "e\rf")
	w.Sync()
	wantMessages(t, &h, "ab", "c", "d", "e\rf")
	w.Close()
	w.Close()
	wantMessages(t, &h, "ab", "c", "d", "e\rf", "g")
	w.Write([]byte("late\n"))
	wantMessages(t, &h, "ab", "c", "d", "e\rf", "g", "late")
}

// The caller may use the bytes of a Write again.
func TestWriteKeepsNothing(t *testing.T) {
	var h recorder
	w := NewWriter(&h, nil)
	p := []byte("{\"msg\":\"m\",\"a\":\"\\u0041\",\"b\":[1]}\nc")
	w.Write(p)
	clear(p)
	w.Write([]byte("\n"))
	wantMessages(t, &h, "m a=A b=[91 49 93]", "c")
}

// Records that a handler keeps stay as they are.
func TestRecordsMayBeKept(t *testing.T) {
	var h recorder
	w := NewWriter(&h, nil)
	var want []string
	for i := range 2000 {
		fmt.Fprintf(w, `{"msg":"m\u0020%d","g":{"a":%d,"h":{"b":"x%d"}},"l":[%d],"n":1.0%d}`+"\n", i, i, i, i, i%10)
		want = append(want, fmt.Sprintf(`m %d g=[a=%d h=[b=x%d]] l=%v n=1.0%d`, i, i, i, fmt.Append(nil, "[", i, "]"), i%10))
	}
	wantMessages(t, &h, want...)
}

// A line beyond the bound is cut, between characters, and says by how much.
func TestLongLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"12345678\n", "12345678"},
		{"12345678\r\n", "12345678"},
		{"123456789\n", "12345678 cut_bytes=1"},
		{"123456789\r\n", "12345678 cut_bytes=1"},
		{"12345678\rabcdefgh\r\n", "12345678 cut_bytes=9"},
		{"1234567é\n", "1234567 cut_bytes=2"},
		{"12345€6\n", "12345€ cut_bytes=1"},
		{"12345😀\n", "12345 cut_bytes=4"},
		{"12345\ufffd6\n", "12345\ufffd cut_bytes=1"},
		{"123456\ufffd\n", "123456 cut_bytes=3"},
		{"1234567\xff8\n", "1234567\ufffd cut_bytes=1"},
		{"1234567\xc3\xc3\n", "1234567\ufffd cut_bytes=1"},
		{"         \n", "         cut_bytes=1"},
	} {
		for size := 1; size <= len(c.text); size++ {
			var h recorder
			w := NewWriter(&h, &Options{MaxLine: 8})
			for part := range slices.Chunk([]byte(c.text), size) {
				w.Write(part)
			}
			if got := strings.Join(h.messages(), "|"); got != c.want {
				t.Errorf("%q in parts of %d: %q, want %q", c.text, size, got, c.want)
			}
		}
	}
}

// Nor does it keep what one long line, or one with many attributes, has needed.
func TestLongLineMemoryIsLetGo(t *testing.T) {
	var h recorder
	w := NewWriter(&h, &Options{Begins: Unindented})
	for _, line := range []string{
		strings.Repeat("\xff", 100<<10), `{"a":1` + strings.Repeat(`,"a":1`, 2000) + "}",
		strings.Repeat("x", 100<<10) + "\n " + strings.Repeat("x", 100<<10),
	} {
		io.WriteString(w, line)
		w.Close()
	}
	if n := len(h.records); n != 3 {
		t.Errorf("%d records", n)
	}
	if d := w.decoder; cap(w.line) > 64<<10 || cap(w.held) > 64<<10 || cap(d.valid) > 64<<10 || cap(d.attrs) > 1<<10 {
		t.Errorf("%d, %d, %d bytes, %d attributes kept", cap(w.line), cap(w.held), cap(d.valid), cap(d.attrs))
	}
}

// A JSON object that is cut keeps the members before the cut, time and level
// among them.
func TestLongObject(t *testing.T) {
	for text, want := range map[string]string{
		`{"level":"error","msg":"m","g":{"a":1,"b":2}}`:    `ERROR m rest="g":{"a": cut_bytes=9`,
		`{"level":"error","a":1 ,  "msg":"0123456789"}`:    `ERROR "msg":"012 a=1 cut_bytes=9`,
		`{"level":"error","b":"\u00e9","a":1234,"c":1}`:    `ERROR "a":12 b=é cut_bytes=9`,
		`{"level":"error","msg":"m","a":123,  "b":1}`:      `ERROR m a=123 cut_bytes=7`,
		`{"0123456789":"012345678901234567890123456789}`:   `INFO {"0123456789":"012345678901234567890 cut_bytes=10`,
		`{"level":"error","a":[1,2,3,4,5,6,7,8,9,10,11]}`:  `ERROR "a":[1,2,3,4,5,6,7, cut_bytes=11`,
		`{"level":"error","a":[1,2,3}],"b":"0123456789"}`:  `ERROR "a":[1,2,3}],"b":"0 cut_bytes=11`,
		`{"level":"error",x}`:                              `INFO {"level":"error",x}`,
		`{"level":"error" "msg":"01234567890123456789"}`:   `INFO {"level":"error" "msg":"012345678901 cut_bytes=10`,
		`{"level":"error","msg":"m"} and what comes after`: `INFO {"level":"error","msg":"m"} and what cut_bytes=12`,
		`level=error msg=m a=0123456789 b=01234567890123`:  `ERROR m a=0123456789 b=012 cut_bytes=11`,
	} {
		var h recorder
		w := NewWriter(&h, &Options{MaxLine: 36})
		w.Write([]byte(text + "\n"))
		if got := h.records[0].Level.String() + " " + h.messages()[0]; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// Wherever an object is cut, no member is in the record that is not in the
// whole one, and what is left ends as the line ends.
func TestCutAnywhere(t *testing.T) {
	texts := []string{`{"a":[{"x":"y","z":[1,-2.5e-3,"\u00e9\n",true]} ,{}],"b":{"c":{"d":123,"e":[ ]}},"f":null,"g":-0.5}`}
	for _, l := range benchLines {
		texts = append(texts, l.line)
	}
	for _, text := range texts {
		d := NewDecoder(nil)
		whole := map[string]bool{}
		d.Decode([]byte(text), testNow).Attrs(func(a slog.Attr) bool {
			whole[a.String()] = true
			return true
		})
		for n := 1; n < len(text); n++ {
			left := ""
			r := d.decodeCut([]byte(text[:n]), testNow, true)
			r.Attrs(func(a slog.Attr) bool {
				if a.Key == "rest" {
					left = a.Value.String()
				} else if !whole[a.String()] {
					t.Errorf("%s: %v", text[:n], a)
				}
				return true
			})
			all := strings.HasSuffix(text[:n], ",") // no member is cut
			if !strings.HasSuffix(text[:n], left) || left == "" && !all && !strings.HasSuffix(text[:n], r.Message) {
				t.Errorf("%s: %q, %q is left", text[:n], r.Message, left)
			}
		}
	}
}

// However long a line gets, the Writer holds no more of it than the bound.
func TestLongLineMemory(t *testing.T) {
	var h recorder
	w := NewWriter(&h, &Options{MaxLine: 1 << 10})
	part := []byte(strings.Repeat("x", 1000))
	for range 1000 {
		w.Write(part)
	}
	if n := cap(w.line); n > 4<<10 {
		t.Errorf("the Writer holds %d bytes", n)
	}
	w.Write([]byte("\n"))
	wantMessages(t, &h, strings.Repeat("x", 1<<10)+" cut_bytes="+fmt.Sprint(1000*1000-1<<10))
}

// A line that does not begin a record belongs to the one before.
func TestSeveralLines(t *testing.T) {
	const text = "panic\n\tat a\r\n at b\n\nnext\n{\"msg\":\"m\"}\nERROR last\n\tat c"
	var h recorder
	w := NewWriter(&h, &Options{Begins: Unindented})
	w.Write([]byte(text))
	wantMessages(t, &h, "panic\n\tat a\n at b", "next", "m")
	w.Close()
	wantMessages(t, &h, "panic\n\tat a\n at b", "next", "m", "last\n\tat c")
	if r := h.records[3]; r.Level != slog.LevelError {
		t.Errorf("level %v, want ERROR", r.Level)
	}

	h = recorder{}
	w = NewWriter(&h, &Options{Begins: regexp.MustCompile(`^\d`).Match})
	w.Write([]byte("before\n1\nx\n\ny\n2\n"))
	w.Sync()
	wantMessages(t, &h, "before", "1\nx\n\ny", "2")
}

// The bound holds for all lines of a record together.
func TestSeveralLongLines(t *testing.T) {
	for text, want := range map[string]string{
		"1234\n 67":               "1234\n 67",
		"1234\n 678":              "1234\n 67 cut_bytes=1",
		"1234567\n ":              "1234567 cut_bytes=1",
		"12345678\n 1\n 2":        "12345678 cut_bytes=6",
		"123456789\n 1\nx":        "12345678 cut_bytes=4|x",
		"1234\n 6789\n \n 1\nyy":  "1234\n 67 cut_bytes=7|yy",
		"1234\n 123456789\n 1\ny": "1234\n 12 cut_bytes=10|y",
	} {
		var h recorder
		w := NewWriter(&h, &Options{Begins: Unindented, MaxLine: 8})
		w.Write([]byte(text))
		w.Close()
		if got := strings.Join(h.messages(), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A record that may go on is handed over when no line came for Wait.
func TestSeveralLinesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h recorder
		w := NewWriter(&h, &Options{Begins: Unindented})
		began := time.Now()
		w.Write([]byte("a\n"))
		time.Sleep(900 * time.Millisecond)
		w.Write([]byte(" b\n"))
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		wantMessages(t, &h)
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		wantMessages(t, &h, "a\n b")
		if got := h.records[0].Time.Sub(began); got != 900*time.Millisecond {
			t.Errorf("the record's time is that of %v, want that of its last line", got)
		}
		w.Write([]byte("c\n"))
		time.Sleep(time.Second)
		synctest.Wait()
		wantMessages(t, &h, "a\n b", "c")
		w.Write([]byte("d\n e"))
		time.Sleep(time.Hour)
		synctest.Wait()
		wantMessages(t, &h, "a\n b", "c", "d")
		w.Write([]byte("\n"))
		w.Close()
		wantMessages(t, &h, "a\n b", "c", "d", " e")
		if w.timer != nil {
			t.Error("a timer is left")
		}
	})
}

// What the handler has not enabled it is not handed.
func TestDisabledLevels(t *testing.T) {
	h := recorder{least: slog.LevelWarn}
	w := NewWriter(&h, nil)
	w.Write([]byte("INFO a\nWARN b\n{\"level\":\"debug\"}\n"))
	wantMessages(t, &h, "b")
}

// A handler's error is not Write's: a logger would print it, or stop.
func TestHandlerFails(t *testing.T) {
	h := recorder{err: errors.New("no room")}
	w := NewWriter(&h, nil)
	if n, err := w.Write([]byte("a\nb\n")); n != 4 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	wantMessages(t, &h, "a", "b")
}

// panicking is a handler that panics over every record.
type panicking struct{ nowhere }

func (panicking) Handle(context.Context, slog.Record) error { panic("over a record") }

// A panic of the handler loses a record, and leaves the Writer usable.
func TestHandlerPanics(t *testing.T) {
	w := NewWriter(panicking{}, nil)
	write := func(p string) (panicked bool) {
		defer func() { panicked = recover() != nil }()
		w.Write([]byte(p))
		return false
	}
	for i, step := range []struct {
		text   string
		panics bool
	}{{"a", false}, {"b\n", true}, {"c", false}, {"\n", true}} {
		if got := write(step.text); got != step.panics {
			t.Errorf("step %d panics: %v", i, got)
		}
	}
	var h recorder
	w.handler = &h
	w.Write([]byte("d\n"))
	wantMessages(t, &h, "d")
}

// Sync and Close flush a handler that can be flushed, for 5 s at most.
func TestSyncFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := recorder{flush: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		w := NewWriter(&h, nil)
		began := time.Now()
		if err := w.Sync(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("Sync: %v after %v", err, time.Since(began))
		}
		h.flush = nil
		if err := w.Close(); err != nil || h.flushed != 2 {
			t.Errorf("Close: %v, %d flushes", err, h.flushed)
		}
		if err := NewWriter(nowhere{}, nil).Close(); err != nil {
			t.Errorf("Close with a handler that has no Flush: %v", err)
		}
	})
}

// Lines written at once by many stay whole, and each writer's in order.
func TestConcurrentWrites(t *testing.T) {
	const writers, each = 8, 500
	var h recorder
	w := NewWriter(&h, nil)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				fmt.Fprintf(w, "{\"msg\":\"m\",\"writer\":%d,\"n\":%d}\n", i, n)
			}
		})
	}
	wg.Wait()
	var next [writers]int64
	for _, r := range h.records {
		var got []int64
		r.Attrs(func(a slog.Attr) bool {
			got = append(got, a.Value.Int64())
			return true
		})
		if r.Message != "m" || len(got) != 2 || got[1] != next[got[0]] {
			t.Fatalf("%s %v, want number %d", r.Message, got, next[got[0]])
		}
		next[got[0]]++
	}
	if len(h.records) != writers*each {
		t.Errorf("%d records", len(h.records))
	}
}
