package ingest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// OTLP's JSON: names in lower camel case, ids in hexadecimal, 64-bit numbers as
// strings (numbers are taken, too), enumerations as numbers.

type jsonRequest struct {
	ResourceLogs  []jsonResource `json:"resourceLogs"`
	ResourceSpans []jsonResource `json:"resourceSpans"`
}

type jsonResource struct {
	Resource struct {
		Attributes []jsonKeyValue `json:"attributes"`
	} `json:"resource"`
	ScopeLogs []struct {
		LogRecords []jsonLog `json:"logRecords"`
	} `json:"scopeLogs"`
	ScopeSpans []struct {
		Spans []jsonSpan `json:"spans"`
	} `json:"scopeSpans"`
}

type jsonLog struct {
	Time         number         `json:"timeUnixNano"`
	Observed     number         `json:"observedTimeUnixNano"`
	Severity     number         `json:"severityNumber"`
	SeverityText string         `json:"severityText"`
	Body         *jsonValue     `json:"body"`
	Attributes   []jsonKeyValue `json:"attributes"`
	TraceID      string         `json:"traceId"`
	SpanID       string         `json:"spanId"`
	EventName    string         `json:"eventName"`
}

type jsonSpan struct {
	TraceID    string         `json:"traceId"`
	SpanID     string         `json:"spanId"`
	Parent     string         `json:"parentSpanId"`
	Name       string         `json:"name"`
	Kind       number         `json:"kind"`
	Start      number         `json:"startTimeUnixNano"`
	End        number         `json:"endTimeUnixNano"`
	Attributes []jsonKeyValue `json:"attributes"`
	Events     []struct {
		Time       number         `json:"timeUnixNano"`
		Name       string         `json:"name"`
		Attributes []jsonKeyValue `json:"attributes"`
	} `json:"events"`
	Status struct {
		Message string `json:"message"`
		Code    number `json:"code"`
	} `json:"status"`
}

type jsonKeyValue struct {
	Key   string    `json:"key"`
	Value jsonValue `json:"value"`
}

type jsonValue struct {
	String *string          `json:"stringValue"`
	Bool   *bool            `json:"boolValue"`
	Int    *number          `json:"intValue"`
	Double *json.RawMessage `json:"doubleValue"`
	Bytes  *string          `json:"bytesValue"`
	Array  *struct {
		Values []jsonValue `json:"values"`
	} `json:"arrayValue"`
	List *struct {
		Values []jsonKeyValue `json:"values"`
	} `json:"kvlistValue"`
}

// number is a whole number, written as a number or as a string; a name of an
// enumeration counts as 0.
type number string

func (n *number) UnmarshalJSON(b []byte) error {
	*n = number(strings.Trim(string(b), `"`))
	return nil
}

func (n number) uint() uint64 {
	u, err := strconv.ParseUint(string(n), 10, 64)
	if err != nil {
		return 0
	}
	return u
}

func (v *jsonValue) json(depth int) []byte {
	switch {
	case v == nil || depth > maxNesting:
	case v.String != nil:
		return appendQuoted(nil, *v.String)
	case v.Bool != nil:
		return strconv.AppendBool(nil, *v.Bool)
	case v.Int != nil:
		if _, err := strconv.ParseInt(string(*v.Int), 10, 64); err != nil {
			return appendQuoted(nil, string(*v.Int))
		}
		return []byte(*v.Int)
	case v.Double != nil:
		return *v.Double // "NaN" is a string
	case v.Bytes != nil:
		return appendQuoted(nil, *v.Bytes)
	case v.Array != nil:
		list := []byte{'['}
		for i := range v.Array.Values {
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, v.Array.Values[i].json(depth+1)...)
		}
		return append(list, ']')
	case v.List != nil:
		if o := object(keyValues(v.List.Values, depth+1)); o != nil {
			return o
		}
		return []byte("{}")
	}
	return []byte("null")
}

func keyValues(list []jsonKeyValue, depth int) []keyValue {
	attrs := make([]keyValue, len(list))
	for i := range list {
		attrs[i] = keyValue{list[i].Key, list[i].Value.json(depth)}
	}
	return attrs
}

// hexID reads an id; some senders write base64.
func hexID(s string) []byte {
	if b, err := hex.DecodeString(s); err == nil {
		return b
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

func readRequest(body []byte) (req jsonRequest, err error) {
	if !jsontext.Valid(body) {
		return req, refuse(400, "the body is not JSON in UTF-8")
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return req, refuse(400, "the body is not OTLP: %v", err)
	}
	return req, nil
}

func (d *otlpDecoder) logsJSON(body []byte) error {
	req, err := readRequest(body)
	if err != nil {
		return err
	}
	for _, r := range req.ResourceLogs {
		res := newResource(keyValues(r.Resource.Attributes, 0))
		for _, scope := range r.ScopeLogs {
			for i := range scope.LogRecords {
				j := &scope.LogRecords[i]
				o := &otlpLog{
					time: j.Time.uint(), observed: j.Observed.uint(), severity: int(j.Severity.uint()), severityText: j.SeverityText,
					attrs: keyValues(j.Attributes, 0), trace: hexID(j.TraceID), span: hexID(j.SpanID), eventName: j.EventName,
				}
				if j.Body != nil {
					o.body = j.Body.json(0)
				}
				d.add(res, o)
			}
		}
	}
	return nil
}

func (d *otlpDecoder) tracesJSON(body []byte) error {
	req, err := readRequest(body)
	if err != nil {
		return err
	}
	for _, r := range req.ResourceSpans {
		res := newResource(keyValues(r.Resource.Attributes, 0))
		for _, scope := range r.ScopeSpans {
			for i := range scope.Spans {
				j := &scope.Spans[i]
				o := &otlpSpan{
					trace: hexID(j.TraceID), id: hexID(j.SpanID), parent: hexID(j.Parent), name: j.Name, kind: int(j.Kind.uint()),
					status: int(j.Status.Code.uint()), statusText: j.Status.Message, start: j.Start.uint(), end: j.End.uint(),
					attrs: keyValues(j.Attributes, 0),
				}
				for _, e := range j.Events {
					o.addEvent(e.Time.uint(), e.Name, keyValues(e.Attributes, 0))
				}
				d.addSpan(res, o)
			}
		}
	}
	return nil
}
