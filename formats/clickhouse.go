package formats

import (
	"bytes"
	"cmp"
	"strconv"

	"github.com/slogship/slogship"
)

// ClickHouseOptions are the options of [ClickHouse]. The zero value is usable.
type ClickHouseOptions struct {
	// Time, Level, Message and ID are the names of columns; "-" leaves one out.
	// If empty, "timestamp", "level", "message" and "event_id". It is an error
	// if two are the same.
	Time, Level, Message, ID string

	// Attributes is the name of the String column for the attributes and the
	// source, as the text of a JSON object: {"source":{...}, attributes}. If
	// empty, "attributes".
	Attributes string

	// Spread writes each attribute at the root to the column with its name, and the
	// source to the column "source", instead of the column Attributes. It is an error
	// to set both Spread and Attributes.
	Spread bool

	// TimeLayout is how the time is written. If zero, DateTimeNano, for a column
	// DateTime64(9, 'UTC'). Use UnixSeconds for a column DateTime of any time zone, and
	// UnixNano for a column Int64; servers of any version read these.
	TimeLayout TimeLayout
}

// ClickHouse is for ClickHouse's HTTP interface in the format JSONEachRow,
// http://clickhouse:8123/?query=INSERT+INTO+logs+FORMAT+JSONEachRow, with
// [slogship.Options.Header] {"X-ClickHouse-User": {user}, "X-ClickHouse-Key":
// {password}}.
//
//	{"event_id":"...","timestamp":"2006-01-02 15:04:05.123456789","level":"info","message":"...","attributes":"{...}"}
//
// suits the table
//
//	CREATE TABLE logs (
//		timestamp  DateTime64(9, 'UTC'),
//		level      LowCardinality(String),
//		message    String,
//		attributes String,
//		event_id   FixedString(48)
//	) ENGINE = MergeTree ORDER BY timestamp
//
// Servers before 20.1 have no DateTime64. There, make the column timestamp a
// DateTime and set TimeLayout to UnixSeconds, or an Int64 and set UnixNano.
//
// With [ClickHouseOptions.Spread], the server refuses a record with an attribute that
// has no column. To skip such attributes, add input_format_skip_unknown_fields=1 to the
// endpoint's query. A group becomes an object, which needs a column of type Tuple, Map
// or JSON. An attribute with the name of a column that the format itself writes gets a
// trailing underscore. Of attributes with the same name, only the last is written.
//
// A DateTime64(9) ends in the year 2262, a DateTime in 2106. slogship does not check
// whether the column can hold the time of a record.
//
// If ReplaceAttr replaced the time with text that is not RFC 3339, the text becomes the
// attribute "time_text", and the column gets its default.
//
// The server's error codes
// (https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp) are
// more precise than its status. If it cannot parse a row, the batch is halved until the
// bad record is alone ([slogship.Isolate]). Wrong credentials, a missing table and a
// missing privilege are a misconfiguration ([slogship.Hold]). After any other error the
// batch is sent again.
//
// An INSERT of one block fails or succeeds as a whole. Therefore a request has at most
// 1,000,000 records (max_insert_block_size). If an acknowledgement is lost, rows are
// stored twice, with the same id. A ReplacingMergeTree ordered by the id keeps one of
// them.
//
// All servers can inflate gzip; old ones cannot inflate zstd.
func ClickHouse(o ClickHouseOptions) slogship.Format {
	names := struct{ time, level, message, id, attributes string }{
		cmp.Or(o.Time, "timestamp"), cmp.Or(o.Level, "level"), cmp.Or(o.Message, "message"),
		cmp.Or(o.ID, eventIDKey), cmp.Or(o.Attributes, "attributes"),
	}
	settings := []setting{
		{"ClickHouseOptions.Time", names.time},
		{"ClickHouseOptions.Level", names.level},
		{"ClickHouseOptions.Message", names.message},
		{"ClickHouseOptions.ID", names.id},
	}
	if !o.Spread {
		settings = append(settings, setting{"ClickHouseOptions.Attributes", names.attributes})
	}
	err := cmp.Or(checkNames(settings...), checkTimeLayout("ClickHouseOptions.TimeLayout", o.TimeLayout))
	for _, s := range settings {
		if o.Spread && (s.name == "source" || s.name == timeTextKey) {
			err = cmp.Or(err, badOption(s.field, s.name, "a name that no other member has"))
		}
	}
	if o.Spread && o.Attributes != "" {
		err = cmp.Or(err, badOption("ClickHouseOptions.Attributes", o.Attributes, `"" with Spread`))
	}
	if err != nil {
		return unusable{err}
	}

	timeLayout := cmp.Or(o.TimeLayout, DateTimeNano)
	event := newObject()
	event.text = true
	event.add(eventID, names.id)
	event.addTime(strictTime, names.time, timeLayout)
	event.add(lowerLevel, names.level)
	event.add(message, names.message)
	switch {
	case o.Spread:
		event.add(source, "source")
		event.addTimeText()
		event.addAttributes()
	case names.attributes != omit:
		event.addQuoted(names.attributes)
	}
	l := linesLayout("application/x-ndjson")
	l.MaxRecords = 1_000_000
	l.Zstd = true
	l.UniqueKeys = o.Spread
	return &clickHouse{newFramed(l, event)}
}

type clickHouse struct{ framed }

// ReadAnswer looks for an error code first: old servers answer a bad row with 500, and
// an error after the beginning of the answer comes with a 200.
func (*clickHouse) ReadAnswer(a slogship.Answer) slogship.Verdict {
	code := exceptionCode(a)
	switch code {
	case 0:
		return clickHouseService.read(a)
	case 6, 25, 26, 27, 33, 36, 38, 41, 53, 69, 70, 72, 117, 130, 131, 190, 321, 349, 376, 407, 467, 469, 675, 676, 691:
		// CANNOT_PARSE_TEXT, _ESCAPE_SEQUENCE, _QUOTED_STRING, _INPUT_ASSERTION_FAILED, CANNOT_READ_ALL_DATA,
		// BAD_ARGUMENTS, CANNOT_PARSE_DATE, _DATETIME, TYPE_MISMATCH, ARGUMENT_OUT_OF_BOUND, CANNOT_CONVERT_TYPE,
		// CANNOT_PARSE_NUMBER, INCORRECT_DATA, CANNOT_READ_ARRAY_FROM_TEXT, TOO_LARGE_STRING_SIZE,
		// SIZES_OF_ARRAYS_DONT_MATCH, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
		// CANNOT_PARSE_UUID, DECIMAL_OVERFLOW, CANNOT_PARSE_BOOL, VIOLATED_CONSTRAINT, CANNOT_PARSE_IPV4, _IPV6,
		// UNKNOWN_ELEMENT_OF_ENUM
		return slogship.Verdict{Action: slogship.Isolate}
	case 16, 47, 48, 60, 62, 73, 81, 115, 164, 192, 193, 194, 195, 291, 497, 516:
		// NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER, NOT_IMPLEMENTED, UNKNOWN_TABLE, SYNTAX_ERROR, UNKNOWN_FORMAT,
		// UNKNOWN_DATABASE, UNKNOWN_SETTING, READONLY, UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD,
		// IP_ADDRESS_NOT_ALLOWED, DATABASE_ACCESS_DENIED, ACCESS_DENIED, AUTHENTICATION_FAILED
		return clickHouseService.advise(a, slogship.Verdict{Action: slogship.Hold})
	}
	if a.Status/100 == 2 {
		return slogship.Verdict{Action: slogship.Retry}
	}
	return clickHouseService.advise(a, slogship.Verdict{})
}

// https://clickhouse.com/docs/interfaces/http; the success of an INSERT has no body.
var clickHouseService = service{
	name:        "ClickHouse, to an INSERT",
	path:        "ClickHouse takes records at /?query=INSERT INTO table FORMAT JSONEachRow",
	credentials: `ClickHouse wants Options.Header {"X-ClickHouse-User": {user}, "X-ClickHouse-Key": {password}}`,
}

// exceptionCode returns the code of the server's error, or 0. It is in a header and at
// the beginning of the body: "Code: 60. DB::Exception: ...".
func exceptionCode(a slogship.Answer) int {
	if code, err := strconv.Atoi(a.Header.Get("X-ClickHouse-Exception-Code")); err == nil {
		return code
	}
	text, ok := bytes.CutPrefix(a.Body, []byte("Code: "))
	if !ok {
		return 0
	}
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	code, err := strconv.Atoi(string(text[:digits]))
	if err != nil {
		return 0
	}
	return code
}
