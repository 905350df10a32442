package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/grafana/loki-client-go/pkg/logproto"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/slogship/slogship/bench/records"
)

// record is a record as it arrived.
type record struct {
	message string
	attrs   map[string]any
}

// check decodes a body wholly and says of how many records it consists and
// what the first one that is not as it was logged has wrong.
func check(p Proto, contentType string, body []byte) (n int, wrong string, err error) {
	recs, err := decode(p, contentType, body)
	if err != nil {
		return 0, "", err
	}
	for _, r := range recs {
		seq, err := strconv.Atoi(fmt.Sprint(r.attrs["seq"]))
		if f, ok := r.attrs["seq"].(float64); ok {
			seq, err = int(f), nil
		}
		if err != nil {
			continue // the peer's own, such as logtail's farewell
		}
		n++
		if w := records.Wrong(seq, r.message, r.attrs); w != "" && wrong == "" {
			wrong = fmt.Sprintf("record %d: %s", seq, w)
		}
	}
	return n, wrong, nil
}

func decode(p Proto, contentType string, body []byte) ([]record, error) {
	switch p {
	case Logflare:
		var b struct {
			Batch []struct {
				ID       string         `json:"id"`
				Time     string         `json:"timestamp"`
				Message  string         `json:"message"`
				Metadata map[string]any `json:"metadata"`
			} `json:"batch"`
		}
		if err := json.Unmarshal(body, &b); err != nil {
			return nil, err
		}
		var recs []record
		for _, e := range b.Batch {
			if e.ID == "" || e.Time == "" {
				return nil, errors.New("an event without id or timestamp")
			}
			recs = append(recs, record{e.Message, e.Metadata})
		}
		return recs, nil
	case OTLP:
		return decodeOTLP(contentType, body)
	case Loki:
		return decodeLoki(contentType, body)
	case Axiom, JSON:
		return decodeLines(body, false)
	case Elastic:
		return decodeLines(body, true)
	case Logtail:
		var lines []map[string]any
		if err := json.Unmarshal(body, &lines); err != nil {
			return nil, err
		}
		var recs []record
		for _, l := range lines {
			recs = append(recs, line(l))
		}
		return recs, nil
	case Sentry:
		return decodeSentry(body)
	}
	return nil, fmt.Errorf("protocol %q", p)
}

// line is a record whose attributes stand beside its message.
func line(m map[string]any) record {
	msg, _ := m["msg"].(string)
	return record{msg, m}
}

// decodeLines decodes newline-delimited JSON; with actions, every other line
// is what Elasticsearch shall do with the next.
func decodeLines(body []byte, actions bool) ([]record, error) {
	var recs []record
	for i, l := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
		var m map[string]any
		if err := json.Unmarshal(l, &m); err != nil {
			return nil, err
		}
		if actions && i%2 == 0 {
			if m["index"] == nil && m["create"] == nil {
				return nil, fmt.Errorf("action %.40q", l)
			}
			continue
		}
		recs = append(recs, line(m))
	}
	return recs, nil
}

func decodeOTLP(contentType string, body []byte) ([]record, error) {
	if contentType != protobufType {
		return nil, fmt.Errorf("content type %q", contentType)
	}
	var req collogspb.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return nil, err
	}
	var recs []record
	for _, rl := range req.ResourceLogs {
		for _, sl := range rl.ScopeLogs {
			for _, lr := range sl.LogRecords {
				r := record{lr.Body.GetStringValue(), map[string]any{}}
				for _, kv := range lr.Attributes {
					r.attrs[kv.Key] = anyValue(kv.Value)
				}
				recs = append(recs, r)
			}
		}
	}
	return recs, nil
}

func anyValue(v *commonpb.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	}
	return v.String()
}

// label is one label of a Loki stream as its protobuf writes it.
var label = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*")`)

// decodeLoki takes the attributes from the labels, where slog-loki's default
// converter puts them, or from the line, if that is a JSON object.
func decodeLoki(contentType string, body []byte) ([]record, error) {
	type stream struct {
		Stream map[string]any `json:"stream"`
		Values [][2]string    `json:"values"`
	}
	var streams []stream
	if contentType == protobufType {
		var req logproto.PushRequest
		if err := req.Unmarshal(body); err != nil {
			return nil, err
		}
		for _, s := range req.Streams {
			st := stream{Stream: map[string]any{}}
			for _, m := range label.FindAllStringSubmatch(s.Labels, -1) {
				v, err := strconv.Unquote(m[2])
				if err != nil {
					return nil, err
				}
				st.Stream[m[1]] = v
			}
			for _, e := range s.Entries {
				st.Values = append(st.Values, [2]string{"", e.Line})
			}
			streams = append(streams, st)
		}
	} else {
		var req struct {
			Streams []stream `json:"streams"`
		}
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		streams = req.Streams
	}
	var recs []record
	for _, s := range streams {
		for _, v := range s.Values {
			if !strings.HasPrefix(v[1], "{") {
				recs = append(recs, record{v[1], s.Stream})
				continue
			}
			var m map[string]any
			if err := json.Unmarshal([]byte(v[1]), &m); err != nil {
				return nil, err
			}
			recs = append(recs, line(m))
		}
	}
	return recs, nil
}

// decodeSentry decodes an envelope: a header line, then for each item a header
// line and a payload, of the stated length or up to the end of the line.
func decodeSentry(body []byte) ([]record, error) {
	var recs []record
	_, rest, _ := bytes.Cut(body, []byte("\n"))
	for len(rest) > 0 {
		var head struct {
			Type   string `json:"type"`
			Length *int   `json:"length"`
		}
		l, payload, _ := bytes.Cut(rest, []byte("\n"))
		if err := json.Unmarshal(l, &head); err != nil {
			return nil, err
		}
		if head.Length != nil && *head.Length <= len(payload) {
			payload, rest = payload[:*head.Length], bytes.TrimPrefix(payload[*head.Length:], []byte("\n"))
		} else {
			payload, rest, _ = bytes.Cut(payload, []byte("\n"))
		}
		if head.Type != "log" {
			continue
		}
		var logs struct {
			Items []struct {
				Body  string `json:"body"`
				Attrs map[string]struct {
					Value any `json:"value"`
				} `json:"attributes"`
			} `json:"items"`
		}
		if err := json.Unmarshal(payload, &logs); err != nil {
			return nil, err
		}
		for _, it := range logs.Items {
			r := record{it.Body, map[string]any{}}
			for k, a := range it.Attrs {
				r.attrs[k] = a.Value
			}
			recs = append(recs, r)
		}
	}
	return recs, nil
}
