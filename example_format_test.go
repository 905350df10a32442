package slogship_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/slogship/slogship"
)

// lines writes each record as a line of JSON, for a backend that takes
// application/x-ndjson. It is the Format that the README shows.
type lines struct{}

func (lines) Layout() slogship.Layout {
	return slogship.Layout{
		ContentType: "application/x-ndjson",
		Separator:   "\n",
		Tail:        "\n",
		Reserved:    []string{"id", "time", "level", "msg", "source"},
	}
}

func (lines) AppendEvent(dst []byte, e *slogship.Event) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(append(dst, e.ID...), '"')
	at := e.Time
	if at.IsZero() {
		at = e.Observed // it has no time of its own
	}
	dst = append(dst, `,"time":`...)
	dst = slogship.AppendTime(dst, at, 9)
	dst = append(dst, `,"level":`...)
	dst = slogship.AppendLevel(dst, e.Level, false)
	dst = append(dst, `,"msg":`...)
	dst = slogship.AppendString(dst, e.Message)
	if len(e.Source) > 0 {
		dst = append(dst, `,"source":{`...)
		dst = append(slogship.AppendAttrs(dst, e.Source), '}')
	}
	dst = slogship.AppendAttrs(dst, e.Attrs)
	return append(dst, '}')
}

func (lines) ReadAnswer(slogship.Answer) slogship.Verdict {
	return slogship.Verdict{} // by the status code
}

// A Format for a backend of your own is a page of code.
func ExampleFormat() {
	event := slogship.Event{
		ID:      "9f86d081884c7d659a2feaa0c55ad0150000000000000001",
		Time:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Message: "invoice paid",
		Source:  []slog.Attr{slog.String("file", "pay.go"), slog.Int("line", 42)},
		Attrs:   []slog.Attr{slog.Int("invoice", 17), slog.Group("customer", slog.String("name", "Ada"))},
	}
	fmt.Printf("%s\n", lines{}.AppendEvent(nil, &event))
	// Output:
	// {"id":"9f86d081884c7d659a2feaa0c55ad0150000000000000001","time":"2026-01-02T03:04:05.000000000Z","level":"INFO","msg":"invoice paid","source":{"file":"pay.go","line":42},"invoice":17,"customer":{"name":"Ada"}}
}

// A Format is a value of Options, and nothing else changes. A user's attribute
// whose name the Format needs for itself gets an underscore.
func ExampleFormat_options() {
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var record struct {
			Level  string
			Msg    string
			Theirs string `json:"level_"`
		}
		if err := json.NewDecoder(r.Body).Decode(&record); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%+v\n", record)
	}))
	defer backend.Close()

	h, err := slogship.New(backend.URL, &slogship.Options{Format: lines{}, Compression: slogship.None})
	if err != nil {
		fmt.Println(err)
		return
	}
	slog.New(h).Warn("invoice overdue", "invoice", 43, "level", "second reminder")
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	// Output: {Level:WARN Msg:invoice overdue Theirs:second reminder}
}
