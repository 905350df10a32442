package formats_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"
)

// An otlpRequest is a decoded ExportLogsServiceRequest with one resource and one
// scope. Values of attributes are as in decoded JSON: numbers are json.Number,
// bytes base64.
type otlpRequest struct {
	resource                object
	scopeName, scopeVersion string
	records                 []otlpRecord
}

type otlpRecord struct {
	time, observed  uint64
	severity        int
	severityText    string
	body            any // nil if there is none
	attrs           object
	traceID, spanID string // in hexadecimal
}

func decodeOTLP(tb testing.TB, r request) otlpRequest {
	tb.Helper()
	if r.header.Get("Content-Type") == "application/json" {
		return otlpFromJSON(tb, r.body)
	}
	return otlpFromProtobuf(tb, r.body)
}

// A wireField is a field of a protobuf message as it is on the wire.
type wireField struct {
	number, wire int
	n            uint64
	bytes        []byte
}

// wireFields decodes a message, inside depth others; decoders end at 100.
func wireFields(tb testing.TB, b []byte, depth int) (fields []wireField) {
	tb.Helper()
	if depth > 100 {
		tb.Fatal("messages nest more than 100 deep")
	}
	for len(b) > 0 {
		tag, k := binary.Uvarint(b)
		if k != 1 {
			tb.Fatalf("a tag of %d bytes in %x", k, b)
		}
		f := wireField{number: int(tag >> 3), wire: int(tag & 7)}
		b = b[k:]
		switch f.wire {
		case 0:
			f.n, k = binary.Uvarint(b)
		case 1:
			f.n, k = binary.LittleEndian.Uint64(b), 8
		case 2:
			n, l := binary.Uvarint(b)
			if l <= 0 || l > 5 || n > uint64(len(b)-l) {
				tb.Fatalf("field %d has %d bytes, of %d; %x", f.number, n, len(b)-l, b)
			}
			f.bytes, k = b[l:l+int(n)], l+int(n)
		default:
			tb.Fatalf("field %d has wire type %d", f.number, f.wire)
		}
		if k <= 0 {
			tb.Fatalf("field %d ends early", f.number)
		}
		b = b[k:]
		fields = append(fields, f)
	}
	return fields
}

// text is a field of type string.
func (f wireField) text(tb testing.TB) string {
	tb.Helper()
	if f.wire != 2 || !utf8.Valid(f.bytes) {
		tb.Fatalf("field %d is no valid string: %+v", f.number, f)
	}
	return string(f.bytes)
}

func otlpFromProtobuf(tb testing.TB, body string) (r otlpRequest) {
	tb.Helper()
	r.resource = object{}
	for _, resourceLogs := range wireFields(tb, []byte(body), 0) {
		for _, f := range wireFields(tb, resourceLogs.bytes, 1) {
			switch f.number {
			case 1:
				for _, a := range wireFields(tb, f.bytes, 2) {
					wireKeyValue(tb, r.resource, a.bytes, 3)
				}
			case 2:
				r.scopeLogs(tb, f.bytes)
			default:
				tb.Fatalf("ResourceLogs has a field %d", f.number)
			}
		}
	}
	return r
}

func (r *otlpRequest) scopeLogs(tb testing.TB, b []byte) {
	tb.Helper()
	for _, f := range wireFields(tb, b, 2) {
		switch f.number {
		case 1:
			for _, s := range wireFields(tb, f.bytes, 3) {
				if s.number == 1 {
					r.scopeName = s.text(tb)
				} else {
					r.scopeVersion = s.text(tb)
				}
			}
		case 2:
			r.records = append(r.records, wireLogRecord(tb, f.bytes))
		default:
			tb.Fatalf("ScopeLogs has a field %d", f.number)
		}
	}
}

func wireLogRecord(tb testing.TB, b []byte) otlpRecord {
	tb.Helper()
	rec := otlpRecord{attrs: object{}}
	for _, f := range wireFields(tb, b, 3) {
		switch f.number<<3 | f.wire {
		case 1<<3 | 1:
			rec.time = f.n
		case 11<<3 | 1:
			rec.observed = f.n
		case 2 << 3:
			rec.severity = int(f.n)
		case 3<<3 | 2:
			rec.severityText = f.text(tb)
		case 5<<3 | 2:
			rec.body = wireAnyValue(tb, f.bytes, 4)
		case 6<<3 | 2:
			wireKeyValue(tb, rec.attrs, f.bytes, 4)
		case 9<<3 | 2:
			rec.traceID = hex.EncodeToString(f.bytes)
		case 10<<3 | 2:
			rec.spanID = hex.EncodeToString(f.bytes)
		default:
			tb.Fatalf("LogRecord has a field %+v", f)
		}
	}
	return rec
}

func wireKeyValue(tb testing.TB, into object, b []byte, depth int) {
	tb.Helper()
	fields := wireFields(tb, b, depth)
	if len(fields) != 2 || fields[0].number != 1 || fields[1].number != 2 {
		tb.Fatalf("a KeyValue of %+v", fields)
	}
	key := fields[0].text(tb)
	if _, ok := into[key]; ok {
		tb.Errorf("the key %q is there twice", key)
	}
	into[key] = wireAnyValue(tb, fields[1].bytes, depth+1)
}

func wireAnyValue(tb testing.TB, b []byte, depth int) any {
	tb.Helper()
	fields := wireFields(tb, b, depth)
	if len(fields) == 0 {
		return nil
	}
	if len(fields) != 1 {
		tb.Fatalf("an AnyValue with %d fields", len(fields))
	}
	f := fields[0]
	switch f.number<<3 | f.wire {
	case 1<<3 | 2:
		return f.text(tb)
	case 2 << 3:
		return f.n == 1
	case 3 << 3:
		return json.Number(strconv.FormatInt(int64(f.n), 10))
	case 4<<3 | 1:
		return number(math.Float64frombits(f.n))
	case 5<<3 | 2:
		list := []any{}
		for _, v := range wireFields(tb, f.bytes, depth+1) {
			list = append(list, wireAnyValue(tb, v.bytes, depth+2))
		}
		return list
	case 6<<3 | 2:
		o := object{}
		for _, kv := range wireFields(tb, f.bytes, depth+1) {
			wireKeyValue(tb, o, kv.bytes, depth+2)
		}
		return o
	case 7<<3 | 2:
		return base64.StdEncoding.EncodeToString(f.bytes)
	}
	tb.Fatalf("AnyValue has a field %+v", f)
	return nil
}

// number is f as JSON has it.
func number(f float64) any {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Sprint(f)
	}
	return json.Number(text)
}

func otlpFromJSON(tb testing.TB, body string) (r otlpRequest) {
	tb.Helper()
	top := decode(tb, body).(object)
	resourceLogs := only(tb, top, "resourceLogs")
	r.resource = jsonKeyValues(tb, resourceLogs["resource"].(object)["attributes"])
	scopeLogs := only(tb, resourceLogs, "scopeLogs")
	scope := scopeLogs["scope"].(object)
	r.scopeName = scope["name"].(string)
	r.scopeVersion, _ = scope["version"].(string)
	for _, o := range objects(tb, scopeLogs["logRecords"]) {
		rec := otlpRecord{attrs: object{}}
		for name, v := range o {
			switch name {
			case "timeUnixNano":
				rec.time = unsigned(tb, v)
			case "observedTimeUnixNano":
				rec.observed = unsigned(tb, v)
			case "severityNumber":
				rec.severity = int(unsigned(tb, v.(json.Number).String()))
			case "severityText":
				rec.severityText = v.(string)
			case "body":
				rec.body = jsonAnyValue(tb, v)
			case "attributes":
				rec.attrs = jsonKeyValues(tb, v)
			case "traceId":
				rec.traceID = v.(string)
			case "spanId":
				rec.spanID = v.(string)
			default:
				tb.Fatalf("LogRecord has a member %q", name)
			}
		}
		r.records = append(r.records, rec)
	}
	return r
}

// only is the one element of a member that is an array.
func only(tb testing.TB, o object, name string) object {
	tb.Helper()
	list := objects(tb, o[name])
	if len(list) != 1 {
		tb.Fatalf("%d %s, want 1", len(list), name)
	}
	return list[0]
}

func unsigned(tb testing.TB, v any) uint64 {
	tb.Helper()
	n, err := strconv.ParseUint(v.(string), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func jsonKeyValues(tb testing.TB, v any) object {
	tb.Helper()
	into := object{}
	for _, kv := range objects(tb, v) {
		key := kv["key"].(string)
		if _, ok := into[key]; ok {
			tb.Errorf("the key %q is there twice", key)
		}
		into[key] = jsonAnyValue(tb, kv["value"])
	}
	return into
}

func jsonAnyValue(tb testing.TB, v any) any {
	tb.Helper()
	o := v.(object)
	if len(o) > 1 {
		tb.Fatalf("an AnyValue of %v", o)
	}
	for name, v := range o {
		switch name {
		case "stringValue", "bytesValue":
			return v.(string)
		case "boolValue":
			return v.(bool)
		case "intValue":
			n, err := strconv.ParseInt(v.(string), 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return json.Number(strconv.FormatInt(n, 10))
		case "doubleValue":
			if n, ok := v.(json.Number); ok {
				f, err := n.Float64()
				if err != nil {
					tb.Fatal(err)
				}
				return number(f)
			}
			f, err := strconv.ParseFloat(v.(string), 64)
			if err != nil {
				tb.Fatal(err)
			}
			return number(f)
		case "arrayValue":
			list := []any{}
			for _, e := range objects(tb, v.(object)["values"]) {
				list = append(list, jsonAnyValue(tb, e))
			}
			return list
		case "kvlistValue":
			return jsonKeyValues(tb, v.(object)["values"])
		default:
			tb.Fatalf("AnyValue has a member %q", name)
		}
	}
	return nil
}
