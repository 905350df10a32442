package lines

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/goccy/go-json"
)

// benchLines are lines as loggers write them in production configuration.
var benchLines = []struct{ name, line string }{
	{"zerolog", `{"level":"info","service":"checkout","request_id":"9f1c2d3e-4b5a-6978-8695-a4b3c2d1e0f9","method":"POST","path":"/v1/orders","status":201,"bytes":5123,"duration":12.345678,"user_id":4711,"cached":false,"time":"2026-11-25T17:24:20.123456Z","message":"request served"}`},
	{"zap", `{"level":"info","ts":1764091460.1234567,"logger":"http","caller":"http/server.go:42","msg":"request served","service":"checkout","method":"POST","path":"/v1/orders","status":201,"elapsed":0.0123}`},
	{"slog", `{"time":"2026-11-25T17:24:20.123456789+01:00","level":"INFO","source":{"function":"main.main","file":"/src/main.go","line":42},"msg":"request served","http":{"method":"POST","path":"/v1/orders","status":201},"bytes":5123}`},
	{"logrus", `{"level":"info","method":"POST","msg":"request \"42\" served","path":"/v1/orders","status":201,"time":"2026-11-25T17:24:20Z"}`},
	{"pino", `{"level":30,"time":1764091460123,"pid":4711,"hostname":"door","req":{"id":1,"method":"GET","url":"/"},"responseTime":3,"msg":"request completed"}`},
	{"ecs", `{"@timestamp":"2026-11-25T17:24:20.123Z","log.level":"info","message":"request served","ecs.version":"1.6.0","service.name":"checkout","http.request.method":"POST","http.response.status_code":201}`},
	{"array", `{"level":"info","time":"2026-11-25T17:24:20Z","message":"found","ids":[1,2,3],"a":1,"b":2,"c":3,"d":4}`},
}

// nowhere takes records and does nothing with them.
type nowhere struct{}

func (nowhere) Enabled(context.Context, slog.Level) bool  { return true }
func (nowhere) Handle(context.Context, slog.Record) error { return nil }
func (h nowhere) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h nowhere) WithGroup(string) slog.Handler           { return h }

// A line through a Writer costs at most twice what goccy/go-json needs to make
// a map of it:
//
//	go test -run '^$' -bench Line -benchmem ./lines
func BenchmarkLine(b *testing.B) {
	for _, l := range benchLines {
		b.Run(l.name+"/lines", func(b *testing.B) {
			w := NewWriter(nowhere{}, nil)
			line := []byte(l.line + "\n")
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(line)
			}
		})
		b.Run(l.name+"/goccy", func(b *testing.B) {
			line := []byte(l.line)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				var m map[string]any
				if err := json.Unmarshal(line, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	for _, l := range []struct{ name, line string }{
		{"syslog", "Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186"},
		{"zookeeper", "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification time out: 3200"},
		{"log", "2026/11/25 17:24:20 listening on 127.0.0.1:8080"},
		{"logfmt", `time=2026-11-25T17:24:20Z level=info msg="request served" method=POST path=/v1/orders status=201`},
		{"plain", "listening on 127.0.0.1:8080 and waiting for a knock"},
	} {
		b.Run(l.name, func(b *testing.B) {
			w := NewWriter(nowhere{}, &Options{Location: time.UTC})
			line := []byte(l.line + "\n")
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(line)
			}
		})
	}
}
