package slogship_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// dropTime removes the time, so that an example's output is always the same.
func dropTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Standard output gets the request's id, too. Put several handlers together with
// slog.NewMultiHandler (Go 1.26), and wrap that.
func ExampleNewContextHandler() {
	type requestID struct{}
	attrs := func(ctx context.Context) []slog.Attr {
		id, ok := ctx.Value(requestID{}).(string)
		if !ok {
			return nil
		}
		return []slog.Attr{slog.String("request_id", id)}
	}
	stdout := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: dropTime})
	log := slog.New(slogship.NewContextHandler(stdout, attrs))

	ctx := context.WithValue(context.Background(), requestID{}, "r-17")
	log.WithGroup("order").InfoContext(ctx, "served", "id", 7)
	// Output: {"level":"INFO","msg":"served","request_id":"r-17","order":{"id":7}}
}

// The error has arrived when the log call returns.
func ExampleNewFlushHandler() {
	backend := slogshiptest.StartServer() // stands for your backend
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), FlushInterval: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	log := slog.New(slogship.NewFlushHandler(h, slog.LevelError, 2*time.Second))
	log.Info("job begins")
	log.Error("no configuration")

	for _, r := range backend.Records() {
		fmt.Println(r.Level, r.Message)
	}
	// Output:
	// info job begins
	// error no configuration
}

// A metric gets one sample for each reason.
func ExampleDropped_All() {
	dropped := slogship.Dropped{Overflow: 2, Rejected: 1} // from Handler.Stats
	for reason, n := range dropped.All() {
		fmt.Printf("records_dropped{reason=%q} %d\n", reason, n)
	}
	// Output:
	// records_dropped{reason="overflow"} 2
	// records_dropped{reason="rejected"} 1
	// records_dropped{reason="too_large"} 0
	// records_dropped{reason="discarded"} 0
	// records_dropped{reason="closed"} 0
	// records_dropped{reason="shutdown"} 0
	// records_dropped{reason="expired"} 0
	// records_dropped{reason="corrupt"} 0
}

// Flush says how many records were not delivered, and why.
func ExampleHandler_Flush() {
	backend := slogshiptest.StartServer() // stands for your backend
	defer backend.Close()
	backend.RejectRecords(func(r slogshiptest.Record) string {
		if strings.Contains(r.Message, "bad") {
			return "not allowed"
		}
		return ""
	})
	h, err := slogship.New(backend.URL, &slogship.Options{
		Header:  backend.Header(),
		OnError: func(error) {},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	log := slog.New(h)
	log.Info("good")
	log.Info("bad")
	fmt.Println(h.Flush(context.Background()))
	fmt.Println(h.Stats().Dropped)
	// Output:
	// slogship: 1 record dropped (rejected 1)
	// rejected 1
}

func ExampleAppendValue() {
	values := []slog.Value{
		slog.StringValue(`say "hi"`),
		slog.DurationValue(30 * time.Millisecond),
		slog.TimeValue(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)),
		slog.GroupValue(slog.Int("id", 42)),
		slog.AnyValue(&slogship.JSON{Text: `[1,2]`}),
		slog.AnyValue(&slogship.Bytes{Data: []byte("abc")}),
		slog.AnyValue(&slogship.Error{Text: "no route to host", Type: "*net.OpError"}),
	}
	for _, v := range values {
		fmt.Printf("%s\n", slogship.AppendValue(nil, v))
	}
	// Output:
	// "say \"hi\""
	// 30000000
	// "2026-01-02T15:04:05Z"
	// {"id":42}
	// [1,2]
	// "YWJj"
	// "no route to host"
}

// A comma comes first where it is needed.
func ExampleAppendAttrs() {
	dst := []byte(`{"msg":"invoice paid"`)
	dst = slogship.AppendAttrs(dst, []slog.Attr{slog.Int("id", 42), slog.Group("customer", slog.String("name", "Ada"))})
	fmt.Printf("%s}\n", dst)
	// Output: {"msg":"invoice paid","id":42,"customer":{"name":"Ada"}}
}

func ExampleAppendTime() {
	at := time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)
	fmt.Printf("%s\n", slogship.AppendTime(nil, at, 3))
	// Output: "2026-01-02T15:04:05.123Z"
}

func ExampleAppendLevel() {
	fmt.Printf("%s %s\n", slogship.AppendLevel(nil, slog.LevelWarn, false), slogship.AppendLevel(nil, slog.LevelInfo+2, true))
	// Output: "WARN" "info+2"
}
