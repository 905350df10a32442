package lines

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// testNow is later in the year than any time without a year below but one.
var testNow = time.Date(2026, 11, 25, 17, 24, 20, 0, time.UTC)

// rendered is a record as slog.JSONHandler writes it, without a time that is
// testNow and a level that is INFO.
func rendered(t *testing.T, r slog.Record) string {
	t.Helper()
	var b bytes.Buffer
	h := slog.NewJSONHandler(&b, &slog.HandlerOptions{
		Level: slog.Level(-100),
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey && a.Value.Equal(slog.TimeValue(testNow)) ||
				a.Key == slog.LevelKey && a.Value.Equal(slog.AnyValue(slog.LevelInfo))) {
				return slog.Attr{}
			}
			return a
		},
	})
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type decodeCase struct{ name, line, want string }

func testDecode(t *testing.T, opts Options, cases []decodeCase) {
	t.Helper()
	if opts.Location == nil {
		opts.Location = time.UTC
	}
	d := NewDecoder(&opts)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := rendered(t, d.Decode([]byte(c.line), testNow)); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
			}
		})
	}
}

// What loggers write in their usual configuration is recognised without being
// told.
func TestDecodeLoggers(t *testing.T) {
	testDecode(t, Options{}, []decodeCase{
		{
			"zerolog", `{"level":"warn","err":"no key","attempt":3,"time":"2026-01-02T15:04:05+01:00","message":"door"}`,
			`{"time":"2026-01-02T14:04:05Z","level":"WARN","msg":"door","err":"no key","attempt":3}`,
		},
		{
			"zap", `{"level":"error","ts":1764091460.1234567,"caller":"a/b.go:7","msg":"door","n":1}`,
			`{"time":"2025-11-25T17:24:20.1234567Z","level":"ERROR","msg":"door","caller":"a/b.go:7","n":1}`,
		},
		{
			"zap ISO8601", `{"level":"dpanic","ts":"2026-01-02T15:04:05.123+0100","msg":"door"}`,
			`{"time":"2026-01-02T14:04:05.123Z","level":"ERROR+4","msg":"door"}`,
		},
		{
			"zap console", "2026-01-02T15:04:05.123Z\tWARN\thttp\ta/b.go:7\tdoor\t{\"n\": 1}",
			`{"time":"2026-01-02T15:04:05.123Z","level":"WARN","msg":"http\ta/b.go:7\tdoor","n":1}`,
		},
		{
			"logrus", `{"level":"fatal","msg":"door","n":1,"time":"2026-01-02T15:04:05Z"}`,
			`{"time":"2026-01-02T15:04:05Z","level":"ERROR+4","msg":"door","n":1}`,
		},
		{
			"logrus text", `time="2026-01-02T15:04:05Z" level=warning msg="no \"key\" fits\n" n=1 ok=true s="1"`,
			`{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"no \"key\" fits\n","n":1,"ok":true,"s":"1"}`,
		},
		{
			"pino", `{"level":30,"time":1767366245123,"pid":7,"req":{"id":1,"url":"/"},"msg":"door"}`,
			`{"time":"2026-01-02T15:04:05.123Z","msg":"door","pid":7,"req":{"id":1,"url":"/"}}`,
		},
		{
			"slog", `{"time":"2026-01-02T15:04:05.999999999Z","level":"DEBUG-2","msg":"door","g":{"a":1,"h":{"b":2}}}`,
			`{"time":"2026-01-02T15:04:05.999999999Z","level":"DEBUG-2","msg":"door","g":{"a":1,"h":{"b":2}}}`,
		},
		{
			"slog text", `time=2026-01-02T15:04:05.999Z level=ERROR+1 msg=door g.a=1 e="" q="a\x01b"`,
			`{"time":"2026-01-02T15:04:05.999Z","level":"ERROR+1","msg":"door","g.a":1,"e":"","q":"a\u0001b"}`,
		},
		{
			"ECS", `{"@timestamp":"2026-01-02T15:04:05.123Z","log.level":"info","message":"door","ecs.version":"1.6.0"}`,
			`{"time":"2026-01-02T15:04:05.123Z","msg":"door","ecs.version":"1.6.0"}`,
		},
		{
			"Google Cloud", `{"severity":"NOTICE","timestamp":"2026-01-02T15:04:05Z","message":"door"}`,
			`{"time":"2026-01-02T15:04:05Z","level":"INFO+2","msg":"door"}`,
		},
	})
}

func TestDecodeJSON(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxGroups+2) + "1" + strings.Repeat("}", maxGroups+2)
	testDecode(t, Options{}, []decodeCase{
		{"order", `{"b":1,"a":2,"msg":"m","c":3}`, `{"msg":"m","b":1,"a":2,"c":3}`},
		{"no message", `{"b":1}`, `{"msg":"","b":1}`},
		{"empty", `{}`, `{"msg":""}`},
		{"white space", " { \"a\" : 1 ,\t\"b\" : [ 1 , { } ] } \t", `{"msg":"","a":1,"b":[1,{}]}`},
		{"over lines", "{\n\"a\" :\r\n1\n}", `{"msg":"","a":1}`},
		{"strings in arrays", `{"a":["x y","\"",""]}`, `{"msg":"","a":["x y","\"",""]}`},
		{"kinds", `{"s":"x","t":true,"f":false,"n":null,"l":[1,"a",null]}`, `{"msg":"","s":"x","t":true,"f":false,"n":null,"l":[1,"a",null]}`},
		{"empty group is left out", `{"a":{},"b":{"c":{}},"d":1}`, `{"msg":"","d":1}`},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, `{"msg":"","a":"\"\\/\u0008\u000c\n\r\té😀"}`},
		{"hexadecimal digits", `{"a":"\u00aF\u00fA\u0c9e"}`, "{\"msg\":\"\",\"a\":\"\u00af\u00fa\u0c9e\"}"},
		{"half a surrogate pair", `{"a":"\ud83dx\ude00\ud83d\n"}`, "{\"msg\":\"\",\"a\":\"\ufffdx\ufffd\ufffd\\n\"}"},
		{"bare control character", "{\"a\":\"x\ty\"}", `{"msg":"","a":"x\ty"}`},
		{"escaped key", `{"\u006dsg":"m"}`, `{"msg":"m"}`},
		{"equal keys", `{"a":1,"a":2}`, `{"msg":"","a":1,"a":2}`},
		{"names inside are attributes", `{"g":{"msg":"m","level":"error","time":1767366245}}`, `{"msg":"","g":{"msg":"m","level":"error","time":1767366245}}`},
		{"the first message counts", `{"message":"m","msg":"n"}`, `{"msg":"m","msg":"n"}`},
		{"a message that is no string", `{"msg":7,"message":"m"}`, `{"msg":"m","msg":7}`},
		{"a time that is none", `{"time":"soon","ts":1767366245}`, `{"time":"2026-01-02T15:04:05Z","msg":"","time":"soon"}`},
		{"a long time", `{"time":"2026-01-02T15:04:05Z and what came after"}`, `{"msg":"","time":"2026-01-02T15:04:05Z and what came after"}`},
		{"a number that is no time", `{"time":12}`, `{"msg":"","time":12}`},
		{"a level that is none", `{"level":"loud"}`, `{"msg":"","level":"loud"}`},
		{"a number that is no level", `{"level":3}`, `{"msg":"","level":3}`},
		{"as deep as groups go", deep, `{"msg":"",` + deep[1:]},
		{"BOM", "\ufeff{\"a\":1}", `{"msg":"","a":1}`},
		{"invalid UTF-8", "{\"a\":\"\xff\xc3\"}", "{\"msg\":\"\",\"a\":\"\ufffd\ufffd\"}"},

		{"after a prefix", `app-1  | {"msg":"m","a":1}`, `{"msg":"m","a":1,"prefix":"app-1"}`},
		{"after a time", `2026-01-02T15:04:05Z {"msg":"m"}`, `{"time":"2026-01-02T15:04:05Z","msg":"m"}`},
		{
			"its own time counts", `2026-01-02T15:04:05Z ERROR {"msg":"m","level":"warn","time":"2026-01-01T00:00:00Z"}`,
			`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"m"}`,
		},
		{"the prefix is the message", `door opened {"a":1}`, `{"msg":"door opened","a":1}`},
		{"after another brace", `a {b} {c {"a":1}`, `{"msg":"a {b} {c","a":1}`},
		{"not after a word", `body={"a":1}`, `{"msg":"body={\"a\":1}"}`},

		{"an array is text", `[1,2]`, `{"msg":"[1,2]"}`},
		{"a scalar is text", `"x"`, `{"msg":"\"x\""}`},
		{"unfinished", `{"a":1`, `{"msg":"{\"a\":1"}`},
		{"a comma too many", `{"a":1,}`, `{"msg":"{\"a\":1,}"}`},
		{"more after it", `{"a":1} x}`, `{"msg":"{\"a\":1} x}"}`},
		{"invalid array", `{"a":[1,]}`, `{"msg":"{\"a\":[1,]}"}`},
		{"invalid escape", `{"a":"\x"}`, `{"msg":"{\"a\":\"\\x\"}"}`},
		{"invalid escape in an array", `{"a":["\u12g4"]}`, `{"msg":"{\"a\":[\"\\u12g4\"]}"}`},
		{"invalid numbers", `{"a":01} {"a":1.} {"a":.1} {"a":+1} {"a":1e} {"a":-}`, `{"msg":"{\"a\":01} {\"a\":1.} {\"a\":.1} {\"a\":+1} {\"a\":1e} {\"a\":-}"}`},
		{"invalid word", `{"a":nul}`, `{"msg":"{\"a\":nul}"}`},
	})
}

// A line that is not JSON after all leaves nothing behind in the record.
func TestDecodeStartsAnew(t *testing.T) {
	testDecode(t, Options{}, []decodeCase{
		{"time and level", `{"level":"error","time":1767366245,"a":1`, `{"msg":"{\"level\":\"error\",\"time\":1767366245,\"a\":1"}`},
		{"before a prefixed one", `{"level":"error","a" {"b":1}`, `{"msg":"{\"level\":\"error\",\"a\"","b":1}`},
		{"logfmt", `level=error and so on`, `{"msg":"level=error and so on"}`},
	})
	testDecode(t, Options{Format: JSON}, []decodeCase{
		{"before text", `{"level":"error","a":1} }`, `{"msg":"{\"level\":\"error\",\"a\":1} }"}`},
	})
}

// A number is written with the digits that it came with, by the kind that
// costs least.
func TestDecodeNumbers(t *testing.T) {
	for text, kind := range map[string]slog.Kind{
		"0": slog.KindInt64, "7": slog.KindInt64, "-7": slog.KindInt64, "9223372036854775807": slog.KindInt64,
		"-9223372036854775808": slog.KindInt64, "9223372036854775808": slog.KindUint64,
		"18446744073709551615": slog.KindUint64, "18446744073709551616": slog.KindAny,
		"-9223372036854775809": slog.KindAny, "-0": slog.KindFloat64,
		"0.1": slog.KindFloat64, "-12.75": slog.KindFloat64, "1.50": slog.KindAny, "1.0": slog.KindAny,
		"0.0": slog.KindAny, "0.000001": slog.KindFloat64, "0.0000001": slog.KindAny, "1e-7": slog.KindFloat64, "1e-10": slog.KindFloat64, "1e+100": slog.KindFloat64,
		"1e5": slog.KindAny, "1E400": slog.KindAny, "1e+21": slog.KindFloat64, "100000.5": slog.KindFloat64,
		"0.30000000000000004": slog.KindFloat64, "0.300000000000000040": slog.KindAny,
		"123456789012.345": slog.KindFloat64, "1234567890123.4567891": slog.KindAny,
		"3.141592653589793": slog.KindFloat64, "3.14159265358979323846": slog.KindAny,
	} {
		d := NewDecoder(nil)
		r := d.Decode([]byte(`{"n":`+text+`}`), testNow)
		r.Attrs(func(a slog.Attr) bool {
			if a.Value.Kind() != kind {
				t.Errorf("%s is a %s, want %s", text, a.Value.Kind(), kind)
			}
			return true
		})
		if got, want := rendered(t, r), `{"msg":"","n":`+text+`}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDecodeText(t *testing.T) {
	testDecode(t, Options{}, []decodeCase{
		{"plain", "  no key fits ", `{"msg":"  no key fits "}`},
		{"log", "2026/01/02 15:04:05.000007 error opening door", `{"time":"2026-01-02T15:04:05.000007Z","msg":"error opening door"}`},
		{"comma", "2026-01-02 15:04:05,999 - INFO  [main] no key", `{"time":"2026-01-02T15:04:05.999Z","msg":"[main] no key"}`},
		{"offset", "2026-01-02 15:04:05 -0330 no key", `{"time":"2026-01-02T18:34:05Z","msg":"no key"}`},
		{"brackets", "[2026-01-02 15:04:05] [Warning] no key", `{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"no key"}`},
		{"Apache", "[Sun Dec 04 04:47:44 2005] [error] no key", `{"time":"2005-12-04T04:47:44Z","level":"ERROR","msg":"no key"}`},
		{"Apache 2.4", "[Sun Dec 04 04:47:44.123456 2005] [proxy:error] [pid 7] no key", `{"time":"2005-12-04T04:47:44.123456Z","level":"ERROR","msg":"[proxy:error] [pid 7] no key"}`},
		{"syslog", "Dec 10 06:55:46 door sshd[77]: no key", `{"time":"2025-12-10T06:55:46Z","msg":"door sshd[77]: no key"}`},
		{"syslog, this year", "Nov  5 06:55:46 door sshd[77]: no key", `{"time":"2026-11-05T06:55:46Z","msg":"door sshd[77]: no key"}`},
		{"February 29", "Feb 29 06:55:46 door", `{"time":"2024-02-29T06:55:46Z","msg":"door"}`},
		{"RFC 3164", "<11>Nov  5 06:55:46 door su: no key", `{"time":"2026-11-05T06:55:46Z","level":"ERROR","msg":"door su: no key"}`},
		{"RFC 5424", "<165>1 2026-01-02T15:04:05.003Z door su - ID47 - no key", `{"time":"2026-01-02T15:04:05.003Z","level":"INFO+2","msg":"door su - ID47 - no key"}`},
		{"RFC 3164 without a time", "<11>1 key fits", `{"level":"ERROR","msg":"1 key fits"}`},
		{"klog", "E0102 15:04:05.999999      77 key.go:7] no key", `{"time":"2026-01-02T15:04:05.999999Z","level":"ERROR","msg":"77 key.go:7] no key"}`},
		{"ZooKeeper", "2015-07-29 19:04:29,071 - WARN  [S:1:Q$S@688] - leaving", `{"time":"2015-07-29T19:04:29.071Z","level":"WARN","msg":"[S:1:Q$S@688] - leaving"}`},
		{"OpenStack", "2017-05-16 00:00:00.008 25746 ERROR nova.x [req-1] GET", `{"time":"2017-05-16T00:00:00.008Z","level":"ERROR","msg":"25746 ERROR nova.x [req-1] GET"}`},
		{"time after a word", "nova.log 2017-05-16 00:00:00.008 25746 ERROR nova.x", `{"time":"2017-05-16T00:00:00.008Z","level":"ERROR","msg":"nova.log 2017-05-16 00:00:00.008 25746 ERROR nova.x"}`},
		{"Python", "2026-01-02 15:04:05,123 - shop - CRITICAL - no key", `{"time":"2026-01-02T15:04:05.123Z","level":"ERROR+4","msg":"shop - CRITICAL - no key"}`},
		{"Python, basicConfig", "WARNING:root:no key", `{"level":"WARN","msg":"root:no key"}`},
		{"Spring", "2026-01-02T15:04:05.123+01:00  WARN 1 --- [main] c.e.Foo : no key", `{"time":"2026-01-02T14:04:05.123Z","level":"WARN","msg":"1 --- [main] c.e.Foo : no key"}`},
		{"level, time", "[DEBUG] 2026-01-02 15:04:05 no key", `{"time":"2026-01-02T15:04:05Z","level":"DEBUG","msg":"no key"}`},
		{"capitals", "ERROR no key", `{"level":"ERROR","msg":"no key"}`},
		{"slog's offset", "ERROR+2 no key", `{"level":"ERROR+2","msg":"no key"}`},
		{"colon", "error: no key", `{"level":"ERROR","msg":"error: no key"}`},
		{"nothing but a word", "error", `{"msg":"error"}`},
		{"a word like another", "error after error", `{"msg":"error after error"}`},
		{"capitals in another word", "ERRORS INFOrmation", `{"msg":"ERRORS INFOrmation"}`},
		{"a level far on", "2026-01-02 15:04:05 a b c d ERROR", `{"time":"2026-01-02T15:04:05Z","msg":"a b c d ERROR"}`},
		{"nothing but a level", "ERROR", `{"level":"ERROR","msg":"ERROR"}`},
		{"nothing but a time", "2026-01-02 15:04:05", `{"time":"2026-01-02T15:04:05Z","msg":"2026-01-02 15:04:05"}`},
		{"not a time", "2026-13-02 15:04:05 a", `{"msg":"2026-13-02 15:04:05 a"}`},
		{"not a time of day", "2026-01-02 15:04-05 a", `{"msg":"2026-01-02 15:04-05 a"}`},
		{"not a time of day either", "2026-01-02 15-04:05 a", `{"msg":"2026-01-02 15-04:05 a"}`},
		{"not a minute", "2026-01-02 15:60:05 a", `{"msg":"2026-01-02 15:60:05 a"}`},
		{"not an hour", "2026-01-02 24:00:05 a", `{"msg":"2026-01-02 24:00:05 a"}`},
		{"not a second", "2026-01-02 15:04:61 a", `{"msg":"2026-01-02 15:04:61 a"}`},
		{"a bar after it", "2026-01-02 15:04:05| a", `{"time":"2026-01-02T15:04:05Z","msg":"a"}`},
		{"bars", "2026-01-02 15:04:05 | WARN | a", `{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"a"}`},
		{"not a time of syslog", "Nov 32 06:55:46 a", `{"msg":"Nov 32 06:55:46 a"}`},
		{"not a month", "ovD  2 06:55:46 a", `{"msg":"ovD  2 06:55:46 a"}`},
		{"not a time of klog", "E0132 15:04:05.9 a", `{"msg":"E0132 15:04:05.9 a"}`},
		{"not a time of klog either", "E1302 15:04:05.9 a", `{"msg":"E1302 15:04:05.9 a"}`},
		{"without klog's fraction", "E0102 15:04:05 a", `{"msg":"E0102 15:04:05 a"}`},
		{"not a priority either, to its end", "<111", `{"msg":"<111"}`},
		{"a level with a colon counts", "2026-01-02 15:04:05 warn: ERROR a", `{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"warn: ERROR a"}`},
		{"syslog with a fraction", "Nov  5 06:55:46.5 a", `{"time":"2026-11-05T06:55:46.5Z","msg":"a"}`},
		{"many braces", strings.Repeat("{ ", 10) + "}", `{"msg":"` + strings.Repeat("{ ", 10) + `}"}`},
		{"two spaces", "key  fits", `{"msg":"key  fits"}`},
		{"an offset of zero", "2026-01-02T15:04:05+00:00 a", `{"time":"2026-01-02T15:04:05Z","msg":"a"}`},
		{"the last day of a month", "E0131 15:04:05.9 a", `{"time":"2026-01-31T15:04:05.9Z","level":"ERROR","msg":"a"}`},
		{"a priority before a level", "<11>WARN a", `{"level":"ERROR","msg":"WARN a"}`},
		{"not a priority", "<192>a", `{"msg":"<192>a"}`},
		{"not a priority either", "<1a", `{"msg":"<1a"}`},
		{"not a day", "2026-02-30 15:04:05 a", `{"msg":"2026-02-30 15:04:05 a"}`},
		{"a leap second", "2016-12-31T23:59:60Z a", `{"time":"2017-01-01T00:00:00Z","msg":"a"}`},
		{"a time in a word", "2026-01-02T15:04:05Zebra", `{"msg":"2026-01-02T15:04:05Zebra"}`},
		{"an unclosed bracket before a level", "[2026-01-02 15:04:05 ERROR a", `{"msg":"[2026-01-02 15:04:05 ERROR a"}`},
		{"an unclosed bracket", "[2026-01-02 15:04:05 a", `{"msg":"[2026-01-02 15:04:05 a"}`},
		{"several lines", "ERROR no key\n\tat a.b\n\tat c.d", `{"level":"ERROR","msg":"no key\n\tat a.b\n\tat c.d"}`},
		{"invalid UTF-8", "a\xffb\xe2\x82", "{\"msg\":\"a\ufffdb\ufffd\ufffd\"}"},
	})
}

func TestDecodeLogfmt(t *testing.T) {
	testDecode(t, Options{}, []decodeCase{
		{"values", `msg=m a= b=x=y c="" d=1.50 e=007 f=1e5 g=-3 h=false i=null`, `{"msg":"m","a":"","b":"x=y","c":"","d":1.50,"e":"007","f":"1e5","g":-3,"h":false,"i":"null"}`},
		{"a message of digits", `level=info msg=42`, `{"msg":"42"}`},
		{"epoch", `ts=1767366245.5 lvl=eror msg=m`, `{"time":"2026-01-02T15:04:05.5Z","msg":"m","lvl":"eror"}`},
		{"pino's level", `level=50 msg=m`, `{"level":"ERROR","msg":"m"}`},
		{"only with a known key", `a=1 b=2`, `{"msg":"a=1 b=2"}`},
		{"not with a word", `msg=m and more`, `{"msg":"msg=m and more"}`},
		{"not with an open quote", `msg="m`, `{"msg":"msg=\"m"}`},
		{"not with more after a quote", `msg="m"x`, `{"msg":"msg=\"m\"x"}`},
		{"not a key with a quote", `a"b=1 msg=m`, `{"msg":"a\"b=1 msg=m"}`},
		{"an escape of neither", `msg="a\qb"`, `{"msg":"a\\qb"}`},
	})
	testDecode(t, Options{Format: Logfmt}, []decodeCase{
		{"told: any key", `a=1 b=2`, `{"msg":"","a":1,"b":2}`},
		{"told: words", `a=1 b c`, `{"msg":"","a":1,"b":"","c":""}`},
		{"told: text first", `a b=1`, `{"msg":"a b=1"}`},
		{"told: no JSON", `{"a":1}`, `{"msg":"{\"a\":1}"}`},
	})
}

func TestDecodeFormat(t *testing.T) {
	testDecode(t, Options{Format: JSON}, []decodeCase{
		{"JSON", `{"a":1}`, `{"msg":"","a":1}`},
		{"JSON: no logfmt", `msg=m`, `{"msg":"msg=m"}`},
	})
	testDecode(t, Options{Format: Text}, []decodeCase{
		{"text: no JSON", `ERROR {"a":1}`, `{"level":"ERROR","msg":"{\"a\":1}"}`},
		{"text: no logfmt", `msg=m`, `{"msg":"msg=m"}`},
	})
	testDecode(t, Options{Format: Plain}, []decodeCase{
		{"plain", `2026-01-02 15:04:05 ERROR {"a":1}`, `{"msg":"2026-01-02 15:04:05 ERROR {\"a\":1}"}`},
	})
}

// A name that is set replaces the known ones of its kind, and only these.
func TestDecodeKeys(t *testing.T) {
	testDecode(t, Options{TimeKey: "@t"}, []decodeCase{
		{"time", `{"@t":"2026-01-02T15:04:05Z","time":1767366245,"level":"warn","msg":"m"}`, `{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"m","time":1767366245}`},
	})
	testDecode(t, Options{LevelKey: "@l", MessageKey: "@m"}, []decodeCase{
		{"level and message", `{"":1,"ts":1767366245,"@l":"Warning","@m":"m","level":"error","msg":"n"}`, `{"time":"2026-01-02T15:04:05Z","level":"WARN","msg":"m","":1,"level":"error","msg":"n"}`},
		{"logfmt", `@l=warn @m=m`, `{"level":"WARN","msg":"m"}`},
	})
	testDecode(t, Options{LevelNumber: SyslogLevel, Level: slog.LevelDebug}, []decodeCase{
		{"GELF", `{"level":3,"timestamp":1767366245.123,"message":"m"}`, `{"time":"2026-01-02T15:04:05.123Z","level":"ERROR","msg":"m"}`},
		{"no level", `m`, `{"level":"DEBUG","msg":"m"}`},
	})
}

// Times without a zone are in Location.
func TestDecodeLocation(t *testing.T) {
	testDecode(t, Options{Location: time.FixedZone("", 2*60*60)}, []decodeCase{
		{"text", "2026-01-02 15:04:05 m", `{"time":"2026-01-02T13:04:05Z","msg":"m"}`},
		{"a fraction", `{"time":"2026-01-02T15:04:05.5"}`, `{"time":"2026-01-02T13:04:05.5Z","msg":""}`},
		{"JSON", `{"time":"2026-01-02T15:04:05"}`, `{"time":"2026-01-02T13:04:05Z","msg":""}`},
		{"with a zone", `{"time":"2026-01-02T15:04:05Z"}`, `{"time":"2026-01-02T15:04:05Z","msg":""}`},
		{"syslog", "Nov 25 18:24:20 m", `{"time":"2026-11-25T16:24:20Z","msg":"m"}`},
		{"Apache", "[Sun Dec 04 04:47:44 2005] m", `{"time":"2005-12-04T02:47:44Z","msg":"m"}`},
		{"RFC 1123", `{"time":"Fri, 02 Jan 2026 15:04:05 GMT"}`, `{"time":"2026-01-02T15:04:05Z","msg":""}`},
	})
}

// In January, a line of December is from the year before; a clock that is
// ahead by less than an hour is not.
func TestDecodeYear(t *testing.T) {
	now := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	d := NewDecoder(&Options{Location: time.UTC})
	for line, want := range map[string]int{"Jan  1 00:10:00 m": 2027, "Jan  1 01:10:00 m": 2026, "Dec 31 23:00:00 m": 2026} {
		if got := d.Decode([]byte(line), now).Time.Year(); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}

// The unit of an epoch follows from its size.
func TestEpoch(t *testing.T) {
	for text, want := range map[string]string{
		"1767366245":             "2026-01-02T15:04:05Z",
		"1767366245.000000001":   "2026-01-02T15:04:05.000000001Z",
		"1767366245.1234567891":  "2026-01-02T15:04:05.123456789Z",
		"1.767366245e9":          "2026-01-02T15:04:05Z",
		"1767366245123":          "2026-01-02T15:04:05.123Z",
		"1767366245123.5":        "2026-01-02T15:04:05.1235Z",
		"1767366245123456":       "2026-01-02T15:04:05.123456Z",
		"1767366245123456.789":   "2026-01-02T15:04:05.123456789Z",
		"1767366245123456789":    "2026-01-02T15:04:05.123456789Z",
		"100000000":              "1973-03-03T09:46:40Z",
		"99999999":               "",
		"-1767366245":            "",
		"9223372036854775808":    "",
		"1e300":                  "",
		"99999999999":            "5138-11-16T09:46:39Z",
		"100000000000":           "1973-03-03T09:46:40Z",
		"1000000000000000000000": "",
	} {
		got, ok := epoch(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, ok, want)
		}
	}
}

func TestLevels(t *testing.T) {
	for word, want := range map[string]slog.Level{
		"trace": -8, "DEBUG": -4, "Info": 0, "notice": 2, "WARN": 4, "warning": 4, "err": 8, "Error": 8,
		"fatal": 12, "panic": 12, "dpanic": 12, "CRITICAL": 12, "emerg": 12, "WRN": 4, "INF": 0,
		"INFO+2": 2, "error-1": 7, "DEBUG-4": -8, "WARN+100": 104,
	} {
		if got, ok := levelOf(word); !ok || got != want {
			t.Errorf("%s: %v, %v, want %v", word, got, ok, want)
		}
	}
	for _, word := range []string{"", "+", "INFO+", "INFO+x", "FATAL+1", "information2", "inform", "i", "INFO+99999999999"} {
		if got, ok := levelOf(word); ok {
			t.Errorf("%q: %v, want none", word, got)
		}
	}
	const none = slog.Level(-1000)
	for _, c := range []struct {
		name   string
		level  func(int64) (slog.Level, bool)
		from   int64
		levels []slog.Level
	}{
		{"syslog", SyslogLevel, -1, []slog.Level{none, 12, 12, 12, 8, 4, 2, 0, -4, none}},
		{"zerolog", ZerologLevel, -2, []slog.Level{none, -8, -4, 0, 4, 8, 12, 12, 12, none}},
		{"pino", PinoLevel, 9, []slog.Level{none, -8, -8, -8, -7}},
		{"pino", PinoLevel, 19, []slog.Level{-5, -4}},
		{"pino", PinoLevel, 30, []slog.Level{0, 0}},
		{"pino", PinoLevel, 40, []slog.Level{4}},
		{"pino", PinoLevel, 50, []slog.Level{8}},
		{"pino", PinoLevel, 60, []slog.Level{12, 12}},
		{"pino", PinoLevel, 70, []slog.Level{none}},
	} {
		for i, want := range c.levels {
			got, ok := c.level(c.from + int64(i))
			if ok != (want != none) || ok && got != want {
				t.Errorf("%s %d: %v, %v, want %v", c.name, c.from+int64(i), got, ok, want)
			}
		}
	}
}
