package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki-client-go/pkg/logproto"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
)

func compressed(t testing.TB, encoding string, body []byte) []byte {
	var b bytes.Buffer
	switch encoding {
	case "gzip":
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body)
		_ = w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(body)
		_ = w.Close()
	default:
		return body
	}
	return b.Bytes()
}

func otlp(t testing.TB, seqs ...int) []byte {
	lrs := make([]*logspb.LogRecord, len(seqs))
	for i, s := range seqs {
		lrs[i] = &logspb.LogRecord{
			TimeUnixNano: rand.Uint64(),
			Attributes: []*commonpb.KeyValue{
				{Key: "path", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "/a"}}},
				{Key: "seq", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(s)}}},
			},
		}
	}
	b, err := proto.Marshal(&collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{
		{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: lrs}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func lokiProto(t testing.TB, lines ...string) []byte {
	s := logproto.Stream{Labels: `{level="INFO", seq="3"}`}
	for _, l := range lines {
		s.Entries = append(s.Entries, logproto.Entry{Timestamp: time.Now(), Line: l})
	}
	req := logproto.PushRequest{Streams: []logproto.Stream{s}}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, b)
}

// The sequence numbers are found in every shape that the protocols give them.
func TestSeqsAreFoundInEveryProtocol(t *testing.T) {
	for _, c := range []struct {
		proto                 Proto
		contentType, encoding string
		body                  []byte
		want                  []int
	}{
		{Logflare, "application/json", "gzip", []byte(`{"batch":[{"id":"a","metadata":{"status":200,"seq":7}},{"id":"b","metadata":{"seq":0}}]}`), []int{7, 0}},
		{Logflare, "application/json", "zstd", []byte(`{"batch":[{"metadata":{"seq":123456789}}]}`), []int{123456789}},
		{OTLP, protobufType, "gzip", otlp(t, 0, 1, 127, 128, 300_000), []int{0, 1, 127, 128, 300_000}},
		{Axiom, "application/x-ndjson", "zstd", []byte("{\"seq\":1,\"a\":\"b\"}\n{\"a\":2,\"seq\":2}\n"), []int{1, 2}},
		{Loki, protobufType, "", lokiProto(t, "m"), []int{3}},
		{Loki, "application/json", "", []byte(`{"streams":[{"stream":{"level":"INFO"},"values":[["1","{\"seq\":4}"]]},{"stream":{"seq":"5"},"values":[["2","m"]]}]}`), []int{4, 5}},
		{Elastic, "application/vnd.elasticsearch+x-ndjson", "gzip", []byte("{\"create\":{}}\n{\"msg\":\"m\",\"seq\":6}\n"), []int{6}},
		{Logtail, "", "zstd", []byte(`[{"logtail":{"client_time":"x"},"seq":8},{"text":"logger closing down"}]`), []int{8}},
		{Sentry, "application/x-sentry-envelope", "", []byte("{}\n{\"type\":\"log\"}\n" + `{"items":[{"body":"m","attributes":{"seq":{"value":9,"type":"integer"}}}]}` + "\n"), []int{9}},
		{JSON, "application/json", "", []byte(`{"msg":"a sequence of consequences","_seq_no":1,"seq":10}`), []int{10}},
	} {
		body, err := inflate(nil, c.proto, c.encoding, c.contentType, compressed(t, c.encoding, c.body))
		if err != nil {
			t.Errorf("%s: %v", c.proto, err)
			continue
		}
		got, err := appendSeqs(nil, c.proto, c.contentType, body)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s %s: got %v, %v, want %v", c.proto, c.encoding, got, err, c.want)
		}
		if n, _, err := check(c.proto, c.contentType, body); c.proto != Logflare && (err != nil || n != len(c.want)) {
			t.Errorf("%s: decoded wholly, %d records, %v; want %d", c.proto, n, err, len(c.want))
		}
	}
}

// A body that cannot be read is counted as bad and answered with an error.
func TestBadBodiesAreNotCounted(t *testing.T) {
	s := start(t, JSON)
	if code := post(t, s, `{"seq":"x"}`); code != http.StatusBadRequest {
		t.Errorf("answered %d", code)
	}
	c := counts(t, s)
	if c.Bad != 1 || c.Records != 0 {
		t.Errorf("got %+v", c)
	}
}

func start(t *testing.T, p Proto) Session {
	r, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	s, err := r.Control().Open(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func post(t *testing.T, s Session, body string) int {
	resp, err := http.Post(s.URL(), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func counts(t *testing.T, s Session) Counts {
	c, err := s.Counts()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What comes twice is counted once as distinct.
func TestDoubledRecordsAreTold(t *testing.T) {
	s := start(t, JSON)
	for _, seq := range []int{1, 2, 2, 70_000, 1} {
		post(t, s, fmt.Sprintf(`{"seq":%d}`, seq))
	}
	if c := counts(t, s); c.Records != 5 || c.Distinct != 3 || c.Requests != 5 {
		t.Errorf("got %+v", c)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	post(t, s, `{"seq":70000}`)
	if c := counts(t, s); c.Records != 1 || c.Distinct != 1 {
		t.Errorf("after a reset: %+v", c)
	}
}

// A status is answered as often as it was asked for; nothing is counted by then.
func TestStatusModeEnds(t *testing.T) {
	s := start(t, JSON)
	if err := s.SetMode(Mode{Kind: "status", Status: 500, Times: 2}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 3 {
		got = append(got, post(t, s, `{"seq":1}`))
	}
	if !slices.Equal(got, []int{500, 500, 200}) {
		t.Errorf("answers %v", got)
	}
	if c := counts(t, s); c.Records != 1 || c.Refused != 2 {
		t.Errorf("got %+v", c)
	}
}

// Refusing closes the listener and cuts connections; the same port opens again.
func TestRefuseModeAndBack(t *testing.T) {
	s := start(t, JSON)
	post(t, s, `{"seq":1}`)
	if err := s.SetMode(Mode{Kind: "refuse"}); err != nil {
		t.Fatal(err)
	}
	_, err := http.Post(s.URL(), "application/json", strings.NewReader(`{"seq":2}`))
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want connection refused", err)
	}
	if err := s.SetMode(Mode{}); err != nil {
		t.Fatal(err)
	}
	post(t, s, `{"seq":2}`)
	if c := counts(t, s); c.Distinct != 2 {
		t.Errorf("got %+v", c)
	}
}

// A request that hangs is cut, uncounted, when the backend is back.
func TestHangModeEnds(t *testing.T) {
	s := start(t, JSON)
	if err := s.SetMode(Mode{Kind: "hang"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := http.Post(s.URL(), "application/json", strings.NewReader(`{"seq":1}`))
		done <- err
	}()
	for end := time.Now().Add(5 * time.Second); counts(t, s).Requests == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the request did not arrive")
		}
	}
	select {
	case err := <-done:
		t.Fatal("answered while hanging:", err)
	default:
	}
	if err := s.SetMode(Mode{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("a request that hung was answered")
	}
	if c := counts(t, s); c.Records != 0 {
		t.Errorf("got %+v", c)
	}
}

// With filter_path the _bulk answer holds the items' status alone; without, all.
func TestBulkAnswersEachItem(t *testing.T) {
	s := start(t, Elastic)
	for _, path := range []string{"/_bulk", "/_bulk?filter_path=errors,items.*.status"} {
		resp, err := http.Post(s.URL()+path, "application/json", strings.NewReader("{\"create\":{}}\n{\"seq\":1}\n{\"create\":{}}\n{\"seq\":2}\n"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct {
			Errors bool
			Items  []map[string]struct {
				Status int
				Result string
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if len(answer.Items) != 2 || answer.Items[1]["create"].Status != 201 || answer.Errors {
			t.Errorf("%s: %+v", path, answer)
		}
		if resp.Header.Get("X-Elastic-Product") != "Elasticsearch" {
			t.Error("the product header is missing")
		}
	}
}

// BenchmarkCount shows that counting costs the receiver little.
func BenchmarkCount(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"batch":[`)
	const n = 5000
	for i := range n {
		fmt.Fprintf(&body, `{"id":"%032x","timestamp":"2026-01-02T03:04:05.678901Z","message":"request served","metadata":{"level":"info","method":"GET","path":"/api/v1/tenants/12/items/10011","status":200,"elapsed_ms":12.345,"seq":%d}},`, i, i)
	}
	s := &session{proto: Logflare}
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		if got, err := s.count("application/json", body.Bytes(), body.Len()); err != nil || got != n {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}
