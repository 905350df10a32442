package ingest

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// The wire format of Protocol Buffers, as far as OTLP 1.x needs it:
// opentelemetry/proto/{collector/logs,collector/trace,logs,trace,common,resource}/v1.

// maxNesting bounds values within values.
const maxNesting = 32

var errWire = refuse(400, "the body is not what its type says: broken protobuf")

// fields calls fn for every field of a message: n is the number of a varint or of
// a fixed field, b the bytes of one with a length.
func fields(msg []byte, fn func(field int, n uint64, b []byte) error) error {
	for len(msg) > 0 {
		tag, k := binary.Uvarint(msg)
		if k <= 0 || tag>>3 == 0 {
			return errWire
		}
		msg = msg[k:]
		var n uint64
		var b []byte
		switch tag & 7 {
		case 0:
			if n, k = binary.Uvarint(msg); k <= 0 {
				return errWire
			}
		case 1:
			if k = 8; len(msg) < k {
				return errWire
			}
			n = binary.LittleEndian.Uint64(msg)
		case 2:
			length, m := binary.Uvarint(msg)
			if m <= 0 || length > uint64(len(msg)-m) {
				return errWire
			}
			k = m + int(length)
			b = msg[m:k:k]
		case 5:
			if k = 4; len(msg) < k {
				return errWire
			}
			n = uint64(binary.LittleEndian.Uint32(msg))
		default:
			return errWire
		}
		msg = msg[k:]
		if err := fn(int(tag>>3), n, b); err != nil {
			return err
		}
	}
	return nil
}

// resources walks resource_logs or resource_spans, down to the records.
func resources(body []byte, record func(res resource, b []byte) error) error {
	return fields(body, func(field int, _ uint64, group []byte) error {
		if field != 1 {
			return nil
		}
		var attrs []keyValue
		// The resource comes first, but need not.
		if err := fields(group, func(field int, _ uint64, b []byte) error {
			if field != 1 {
				return nil
			}
			return fields(b, func(field int, _ uint64, b []byte) error {
				if field == 1 {
					return readKeyValue(b, 0, &attrs)
				}
				return nil
			})
		}); err != nil {
			return err
		}
		res := newResource(attrs)
		return fields(group, func(field int, _ uint64, scope []byte) error {
			if field != 2 {
				return nil
			}
			return fields(scope, func(field int, _ uint64, b []byte) error {
				if field == 2 {
					return record(res, b)
				}
				return nil
			})
		})
	})
}

func (d *otlpDecoder) logsProtobuf(body []byte) error {
	return resources(body, func(res resource, b []byte) error {
		var o otlpLog
		err := fields(b, func(field int, n uint64, b []byte) (err error) {
			switch field {
			case 1:
				o.time = n
			case 2:
				o.severity = int(int32(n))
			case 3:
				o.severityText = string(b)
			case 5:
				o.body, err = readValue(b, 0)
			case 6:
				err = readKeyValue(b, 0, &o.attrs)
			case 9:
				o.trace = b
			case 10:
				o.span = b
			case 11:
				o.observed = n
			case 12:
				o.eventName = string(b)
			}
			return err
		})
		if err == nil {
			d.add(res, &o)
		}
		return err
	})
}

func (d *otlpDecoder) tracesProtobuf(body []byte) error {
	return resources(body, func(res resource, b []byte) error {
		var o otlpSpan
		err := fields(b, func(field int, n uint64, b []byte) (err error) {
			switch field {
			case 1:
				o.trace = b
			case 2:
				o.id = b
			case 4:
				o.parent = b
			case 5:
				o.name = string(b)
			case 6:
				o.kind = int(int32(n))
			case 7:
				o.start = n
			case 8:
				o.end = n
			case 9:
				err = readKeyValue(b, 0, &o.attrs)
			case 11:
				err = o.eventProtobuf(b)
			case 15:
				err = fields(b, func(field int, n uint64, b []byte) error {
					switch field {
					case 2:
						o.statusText = string(b)
					case 3:
						o.status = int(int32(n))
					}
					return nil
				})
			}
			return err
		})
		if err == nil {
			d.addSpan(res, &o)
		}
		return err
	})
}

func (o *otlpSpan) eventProtobuf(b []byte) error {
	var at uint64
	var name string
	var attrs []keyValue
	err := fields(b, func(field int, n uint64, b []byte) error {
		switch field {
		case 1:
			at = n
		case 2:
			name = string(b)
		case 3:
			return readKeyValue(b, 0, &attrs)
		}
		return nil
	})
	o.addEvent(at, name, attrs)
	return err
}

// addEvent writes an event as JSON; its time, in ns, is a string, as numbers of
// JavaScript are too short for it.
func (o *otlpSpan) addEvent(at uint64, name string, attrs []keyValue) {
	e := append([]byte(`{"time":"`), strconv.FormatUint(at, 10)...)
	e = appendQuoted(append(e, `","name":`...), name)
	if len(attrs) > 0 {
		e = append(append(e, `,"attrs":`...), object(attrs)...)
	}
	o.events = append(o.events, append(e, '}'))
}

func readKeyValue(b []byte, depth int, attrs *[]keyValue) error {
	kv := keyValue{value: []byte("null")}
	err := fields(b, func(field int, _ uint64, b []byte) (err error) {
		switch field {
		case 1:
			kv.key = string(b)
		case 2:
			kv.value, err = readValue(b, depth+1)
		}
		return err
	})
	*attrs = append(*attrs, kv)
	return err
}

// readValue turns an AnyValue into JSON.
func readValue(b []byte, depth int) (value []byte, err error) {
	if depth > maxNesting {
		return nil, refuse(400, "values are nested deeper than %d", maxNesting)
	}
	value = []byte("null")
	err = fields(b, func(field int, n uint64, b []byte) error {
		switch field {
		case 1:
			value = appendQuoted(nil, string(b))
		case 2:
			value = strconv.AppendBool(nil, n != 0)
		case 3:
			value = strconv.AppendInt(nil, int64(n), 10)
		case 4:
			value = appendFloat(nil, math.Float64frombits(n))
		case 5:
			list := []byte{'['}
			if err := fields(b, func(field int, _ uint64, b []byte) error {
				if field != 1 {
					return nil
				}
				v, err := readValue(b, depth+1)
				if len(list) > 1 {
					list = append(list, ',')
				}
				list = append(list, v...)
				return err
			}); err != nil {
				return err
			}
			list = append(list, ']')
			value = list
		case 6:
			var attrs []keyValue
			if err := fields(b, func(field int, _ uint64, b []byte) error {
				if field != 1 {
					return nil
				}
				return readKeyValue(b, depth+1, &attrs)
			}); err != nil {
				return err
			}
			if value = object(attrs); value == nil {
				value = []byte("{}")
			}
		case 7:
			value = appendQuoted(nil, base64.StdEncoding.EncodeToString(b))
		}
		return nil
	})
	return value, err
}

// appendFloat writes a number; what JSON has no number for becomes a string.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendQuoted(dst, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

func appendQuoted(dst []byte, s string) []byte { return jsontext.AppendQuoted(dst, s) }
func text(value []byte) string                 { return jsontext.Text(value) }
func itoa(n int) string                        { return strconv.Itoa(n) }
