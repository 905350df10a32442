package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

// noting is a Format that notes which bytes it wrote of an event last.
type noting struct {
	slogship.Format
	mu    sync.Mutex // guards wrote
	wrote map[string]string
}

func (f *noting) AppendEvent(dst []byte, e *slogship.Event) []byte {
	message := messageName.FindString(e.Message)
	out := f.Format.AppendEvent(dst, e)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrote[strings.Clone(message)] = string(out[len(dst):])
	return out
}

// last is what f wrote last of a record.
func (f *noting) last(message string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrote[message]
}

// body is what f wrote of these records, framed.
func (f *noting) body(messages []string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.Layout()
	var events []byte
	for i, m := range messages {
		if i > 0 {
			events = append(events, l.Separator...)
		}
		events = append(events, f.wrote[m]...)
	}
	head := []byte(l.Head)
	if l.AppendHead != nil {
		head = l.AppendHead(nil, len(messages), len(events))
	}
	return string(head) + string(events) + l.Tail
}

var messageName = regexp.MustCompile(`record-\d\d`)

// messageNames are the records of a body, in order.
func messageNames(body string) (names []string) {
	for _, name := range messageName.FindAllString(body, -1) {
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}

// What is sent again is byte for byte what was sent first: after midnight what was
// logged before it, with a time or without one, whole or cut, however often batches
// fail, are halved, or have a record that is set aside.
func TestRetriesAreByteForByteTheSame(t *testing.T) {
	subjects := append(subjects(), logflare())
	for _, f := range encoded {
		subjects = append(subjects, subject{name: f.name, format: f.format})
	}
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				format := &noting{Format: s.format, wrote: map[string]string{}}
				first := map[string]string{}
				sent := map[string]int{}
				var mu sync.Mutex // guards first and sent: a log call does not wait for a request
				well := false
				b := backend{answer: func(n int, r request) response {
					names := messageNames(r.body)
					if want := format.body(names); r.body != want {
						t.Fatalf("request %d is not of the events\n%s\nwant\n%s", n, r.body, want)
					}
					mu.Lock()
					defer mu.Unlock()
					for _, name := range names {
						wrote := format.last(name)
						if first[name] == "" {
							first[name] = wrote
						}
						if sent[name]++; wrote != first[name] {
							t.Errorf("request %d: %s was sent first as\n%s\nand now as\n%s", n, name, first[name], wrote)
						}
					}
					switch {
					case well:
					case n < 3:
						return response{status: 503}
					case strings.Contains(r.body, "record-03"):
						return response{status: 500}
					case len(names) > 5:
						return response{status: 413}
					}
					healthy := response{status: 200}
					if s.healthy != nil {
						healthy.body = s.healthy(len(names))
					}
					return healthy
				}}
				h := ship(t, format, &b, slogship.Options{MaxRecordBytes: 2000, AddSource: true})
				time.Sleep(24*time.Hour - 500*time.Millisecond) // that was a day: it is half a second to midnight
				for i := range 20 {
					r := record(slog.LevelInfo, fmt.Sprintf("record-%02d", i), slog.Int("i", i), slog.Any("list", []any{i, "x"}))
					if r.Time = time.Now(); i%2 == 0 {
						r.Time = time.Time{}
					}
					if i%5 == 4 {
						r.AddAttrs(slog.String("long", strings.Repeat("é", 4000)))
					}
					h.Handle(context.Background(), r)
				}
				for range 20 { // tosses of the one that is set aside
					time.Sleep(time.Minute)
					h.Handle(context.Background(), record(slog.LevelInfo, "record-99"))
					mu.Lock()
					first["record-99"] = "" // the next one has that name, too
					mu.Unlock()
				}
				time.Sleep(time.Minute)
				stats := h.Stats()
				if stats.Delivered != 19+20 || stats.Pending != 1 || sent["record-03"] < 10 || sent["record-00"] < 5 {
					t.Errorf("%v; sent %v", stats, sent)
				}
				well = true
				if err := h.Close(); err != nil || h.Stats().Delivered != 40 || h.Stats().Cut != 4 {
					t.Errorf("%v, %v", err, h.Stats())
				}
			})
		})
	}
}
