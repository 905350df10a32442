package formats_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Whatever a marshaler returns arrives as what it means.
func FuzzOTLPValue(f *testing.F) {
	for _, seed := range []string{
		`null`, `"s\u00e9\ud83d\udea2\\\"\n"`, `[1,-0,1e400,18446744073709551616,0.5,[],{}]`, `{"a":{"a":[{"":"\u0000"}]},"a":true}`,
		`  { "k" : [ false , null ] }  `, strings.Repeat("[", 40) + strings.Repeat("]", 40), "\"\xff\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || len(text) > 10_000 {
			t.Skip()
		}
		var want object
		for _, e := range array(t, bodyOf(t, formats.JSON(formats.JSONOptions{}), slog.Any("v", json.RawMessage(text)))) {
			want = e
		}
		wanted := plainly(want["v"])
		deep := strings.Count(text, "[")+strings.Count(text, "{") > 30
		for _, e := range []formats.OTLPEncoding{formats.OTLPProtobuf, formats.OTLPJSON} {
			r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "m", slog.Any("v", json.RawMessage(text))))
			if !deep && !reflect.DeepEqual(r.attrs["v"], wanted) {
				t.Errorf("%s is %#v, want %#v", text, r.attrs["v"], wanted)
			}
		}
	})
}

// Whatever is logged stays a request that decodes, with all records in it.
func FuzzOTLPRecord(f *testing.F) {
	f.Add("message", "key", "value", "group", 3)
	f.Add("\xff", "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736", "", 0)
	f.Add(strings.Repeat("x", 300), "log.record.uid", "\x00", "é", 1000)
	f.Fuzz(func(t *testing.T, message, key, value, group string, n int) {
		for _, format := range encoded {
			var b backend
			h := ship(t, format.format, &b, slogship.Options{MaxRecordBytes: 500})
			l := h.WithAttrs([]slog.Attr{slog.String(key, value)}).WithGroup(group)
			r := record(slog.LevelInfo, message, slog.String(key, value), slog.Group(group, slog.Int(key, n)), slog.Any(value, []string{key}))
			l.Handle(context.Background(), r)
			h.Handle(context.Background(), r)
			h.Close()
			var ids []string
			for _, r := range b.got() {
				if strings.HasPrefix(format.name, "loki") {
					noDoubledKeys(t, r.body)
					for _, e := range decodeLoki(t, r) {
						ids = append(ids, e.id)
					}
				} else {
					for _, r := range decodeOTLP(t, r).records {
						ids = append(ids, r.attrs["log.record.uid"].(string))
					}
				}
			}
			if len(ids) != 2 || len(ids[0]) != 48 || !strings.HasSuffix(ids[0], "0000000000000000") || ids[1] != ids[0][:47]+"1" {
				t.Errorf("%s: %q arrived; %+v", format.name, ids, h.Stats())
			}
		}
	})
}

// Whatever a server answers is read without a panic, and never for more records
// than were sent.
func FuzzOTLPAnswer(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"partialSuccess":{"rejectedLogRecords":3}}`))
	f.Add(200, "", []byte("\x0a\x02\x08\x03"))
	f.Add(400, "application/x-protobuf", []byte("\x12\x03bad"))
	f.Add(400, "", []byte("2 errors like: has timestamp too old"))
	f.Add(400, "", []byte("total ignored: 3 out of 9 for stream: {}"))
	f.Add(260, "", []byte("ingestion blocked for user"))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		for _, format := range encoded {
			v := format.format.ReadAnswer(slogship.Answer{
				Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body, Records: 7,
			})
			if v.Refused < 0 || v.Refused > 7 || v.Outcomes != nil || v.Action == slogship.Reject {
				t.Errorf("%s: %+v", format.name, v)
			}
		}
	})
}
