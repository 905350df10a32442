package slogshiptest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
)

// The functions here make OTLP's JSON of its Protocol Buffers: a message is read
// field by field, and what a log has no use for is left out
// (https://github.com/open-telemetry/opentelemetry-proto, logs/v1 and common/v1).

// A wireField is a field of a message.
type wireField struct {
	number int
	n      uint64 // if it is a number
	bytes  []byte // if it is a string, bytes or a message
}

// wireFields takes a message apart. It reports false if it is none.
func wireFields(b []byte) (fields []wireField, ok bool) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return nil, false
		}
		b = b[n:]
		f := wireField{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			if f.n, n = binary.Uvarint(b); n <= 0 {
				return nil, false
			}
		case 1:
			if n = 8; len(b) < n {
				return nil, false
			}
			f.n = binary.LittleEndian.Uint64(b)
		case 2:
			size, m := binary.Uvarint(b)
			if m <= 0 || size > uint64(len(b)-m) {
				return nil, false
			}
			n = m + int(size)
			f.bytes = b[m:n]
		case 5:
			if n = 4; len(b) < n {
				return nil, false
			}
			f.n = uint64(binary.LittleEndian.Uint32(b))
		default:
			return nil, false
		}
		b = b[n:]
		fields = append(fields, f)
	}
	return fields, true
}

// A wireMessage writes a message as JSON. Its ok is false once something was no
// message.
type wireMessage struct {
	text []byte
	ok   bool
}

// otlpJSON is an ExportLogsServiceRequest in JSON.
func otlpJSON(body []byte) (text []byte, ok bool) {
	m := wireMessage{ok: true}
	m.object(body, func(repeated map[string][]wireField, f wireField) {
		if f.number == 1 {
			repeated["resourceLogs"] = append(repeated["resourceLogs"], f)
		}
	}, func(_ string, f wireField) { m.resourceLogs(f.bytes) })
	return m.text, m.ok
}

// object writes a message as an object: sort puts the fields that may be there
// several times into arrays, of which each writes one element, and writes the
// others itself.
func (m *wireMessage) object(b []byte, sort func(repeated map[string][]wireField, f wireField), each func(name string, f wireField)) {
	fields, ok := wireFields(b)
	m.ok = m.ok && ok
	m.text = append(m.text, '{')
	repeated := map[string][]wireField{}
	for _, f := range fields {
		sort(repeated, f)
	}
	for name, all := range repeated {
		m.name(name)
		m.text = append(m.text, '[')
		for i, f := range all {
			if i > 0 {
				m.text = append(m.text, ',')
			}
			each(name, f)
		}
		m.text = append(m.text, ']')
	}
	m.text = append(m.text, '}')
}

// name begins a member.
func (m *wireMessage) name(name string) {
	if m.text[len(m.text)-1] != '{' {
		m.text = append(m.text, ',')
	}
	m.text = append(strconv.AppendQuote(m.text, name), ':')
}

// string writes a member that is a string.
func (m *wireMessage) string(name string, s []byte) {
	text, err := json.Marshal(string(s))
	m.ok = m.ok && err == nil
	m.name(name)
	m.text = append(m.text, text...)
}

func (m *wireMessage) resourceLogs(b []byte) {
	m.object(b, func(repeated map[string][]wireField, f wireField) {
		switch f.number {
		case 1:
			m.name("resource")
			m.attributes(f.bytes, 1, nil)
		case 2:
			repeated["scopeLogs"] = append(repeated["scopeLogs"], f)
		}
	}, func(_ string, f wireField) {
		m.object(f.bytes, func(repeated map[string][]wireField, f wireField) {
			if f.number == 2 {
				repeated["logRecords"] = append(repeated["logRecords"], f)
			}
		}, func(_ string, f wireField) { m.attributes(f.bytes, 6, m.logRecord) })
	})
}

// attributes writes a message whose field of that number is its attributes, and
// the others with rest.
func (m *wireMessage) attributes(b []byte, number int, rest func(wireField)) {
	m.object(b, func(repeated map[string][]wireField, f wireField) {
		switch {
		case f.number == number:
			repeated["attributes"] = append(repeated["attributes"], f)
		case rest != nil:
			rest(f)
		}
	}, func(_ string, f wireField) { m.keyValue(f.bytes) })
}

// logRecord writes a field of a LogRecord that is no attribute.
func (m *wireMessage) logRecord(f wireField) {
	switch f.number {
	case 1:
		m.string("timeUnixNano", strconv.AppendUint(nil, f.n, 10))
	case 2:
		m.name("severityNumber")
		m.text = strconv.AppendUint(m.text, f.n, 10)
	case 3:
		m.string("severityText", f.bytes)
	case 5:
		m.name("body")
		m.anyValue(f.bytes)
	case 9:
		m.string("traceId", hex.AppendEncode(nil, f.bytes))
	case 10:
		m.string("spanId", hex.AppendEncode(nil, f.bytes))
	case 11:
		m.string("observedTimeUnixNano", strconv.AppendUint(nil, f.n, 10))
	}
}

func (m *wireMessage) keyValue(b []byte) {
	m.object(b, func(_ map[string][]wireField, f wireField) {
		switch f.number {
		case 1:
			m.string("key", f.bytes)
		case 2:
			m.name("value")
			m.anyValue(f.bytes)
		}
	}, nil)
}

func (m *wireMessage) anyValue(b []byte) {
	m.object(b, func(_ map[string][]wireField, f wireField) {
		switch f.number {
		case 1:
			m.string("stringValue", f.bytes)
		case 2:
			m.name("boolValue")
			m.text = strconv.AppendBool(m.text, f.n != 0)
		case 3:
			m.string("intValue", strconv.AppendInt(nil, int64(f.n), 10))
		case 4:
			v := math.Float64frombits(f.n)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				m.string("doubleValue", strconv.AppendFloat(nil, v, 'g', -1, 64))
				return
			}
			m.name("doubleValue")
			m.text = strconv.AppendFloat(m.text, v, 'g', -1, 64)
		case 5, 6:
			m.name(map[int]string{5: "arrayValue", 6: "kvlistValue"}[f.number])
			element := m.anyValue
			if f.number == 6 {
				element = m.keyValue
			}
			m.object(f.bytes, func(repeated map[string][]wireField, f wireField) {
				if f.number == 1 {
					repeated["values"] = append(repeated["values"], f)
				}
			}, func(_ string, f wireField) { element(f.bytes) })
		case 7:
			m.string("bytesValue", base64.StdEncoding.AppendEncode(nil, f.bytes))
		}
	}, nil)
}
