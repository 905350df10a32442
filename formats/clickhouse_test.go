package formats_test

import (
	"net/http"
	"testing"
)

// ClickHouse's error codes say more than its status codes.
func TestClickHouseAnswers(t *testing.T) {
	body := func(status int, text string) response { return response{status: status, body: text} }
	header := func(status int, code string) response {
		return response{status: status, header: http.Header{"X-Clickhouse-Exception-Code": {code}}, body: "DB::Exception"}
	}
	testAnswers(t, subjectNamed(t, "clickhouse"), []answerCase{
		{name: "taken", answer: body(200, ""), taken: 4},
		{name: "bad row, old server", answer: body(500, "Code: 117, e.displayText() = DB::Exception: Unknown field found"), taken: 4, again: all, asked: 3, report: "Unknown field found"},
		{name: "bad row, new server", answer: header(400, "27"), taken: 4, again: all, asked: 3, report: "DB::Exception"},
		{name: "bad row alone", answer: header(500, "41"), records: 1, taken: 1, again: []int{0}, report: "DB::Exception"},
		{name: "bad row after 200", answer: header(200, "117"), taken: 4, again: all, asked: 3, report: "DB::Exception"},
		{name: "no table", answer: body(404, "Code: 60. DB::Exception: Table default.logs does not exist"), taken: 4, again: all, held: true, report: "does not exist"},
		{name: "no table, 500", answer: body(500, "Code: 60. DB::Exception: Table default.logs does not exist"), taken: 4, again: all, held: true, report: "does not exist"},
		{name: "wrong password", answer: header(403, "516"), taken: 4, again: all, held: true, report: "403 Forbidden"},
		{name: "no column, 400", answer: header(400, "16"), taken: 4, again: all, held: true, report: "400 Bad Request"},
		{name: "too many parts", answer: header(500, "252"), taken: 4, again: all, report: "500 Internal Server Error"},
		{name: "memory, after 200", answer: body(200, "Code: 241. DB::Exception: Memory limit (total) exceeded"), taken: 4, again: all, report: "Memory limit"},
		{name: "no code", answer: body(200, "Code: x"), taken: 4, again: all, held: true, report: "not an answer of ClickHouse"},
		{name: "ping", answer: body(200, "Ok.\n"), taken: 4, again: all, held: true, report: "ClickHouse takes records at /?query=INSERT INTO"},
		{name: "the code alone", answer: body(500, "Code: 60"), taken: 4, again: all, held: true, report: "Code: 60"},
	})
}
