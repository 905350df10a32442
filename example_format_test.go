package slogship_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

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
		Reserved:    []string{"time", "level", "msg"},
	}
}

func (lines) AppendEvent(dst []byte, e *slogship.Event) []byte {
	dst = append(dst, '{')
	if !e.Time.IsZero() {
		dst = append(dst, `"time":`...)
		dst = append(slogship.AppendTime(dst, e.Time, 9), ',')
	}
	dst = append(dst, `"level":`...)
	dst = append(slogship.AppendLevel(dst, e.Level, false), ',')
	dst = append(dst, `"msg":`...)
	dst = slogship.AppendString(dst, e.Message)
	dst = slogship.AppendAttrs(dst, e.Attrs)
	return append(dst, '}')
}

func (lines) ReadAnswer(slogship.Answer) slogship.Verdict { return slogship.Verdict{} } // by status code

// A Format for a backend of your own is a page of code.
func ExampleFormat() {
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			fmt.Println(err)
		}
		fmt.Print(string(body))
	}))
	defer backend.Close()

	h, err := slogship.New(backend.URL, &slogship.Options{
		Format:      lines{},
		Compression: slogship.None,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // for the sake of this example's output
			}
			return a
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(h)
	log.Info("invoice paid", "id", 42)
	log.Warn("invoice overdue", "id", 43, "level", "second reminder")
	if err := h.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"level":"INFO","msg":"invoice paid","id":42}
	// {"level":"WARN","msg":"invoice overdue","id":43,"level_":"second reminder"}
}
