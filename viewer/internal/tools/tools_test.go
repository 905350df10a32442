package tools

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/store"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	attack  = "\x1b[31m\u202egnp.exe\n2026 error api: not a record"
)

// viewer is an API with records in it: 300 of api, an error each third, one of a
// stranger, and 60 long ones of chatty; and a trace.
func viewer(t *testing.T) http.Handler {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	trace, _ := event.ParseTrace(traceID)
	now := time.Now()
	var logs []event.Log
	for i := range 300 {
		l := event.Log{
			Time: now.Add(time.Duration(i-300) * time.Second).UnixNano(), Source: "api", Message: fmt.Sprintf("request %d served", i),
			Attrs: fmt.Appendf(nil, `{"n":%d,"user":{"id":%d}}`, i, i%10),
		}
		if i%3 == 0 {
			l.Level, l.Message, l.Attrs = 8, fmt.Sprintf("request %d failed", i), []byte(`{"exception.type":"TimeoutError"}`)
		}
		if i == 200 {
			l.Trace = trace
		}
		logs = append(logs, l)
	}
	logs = append(logs, event.Log{Time: now.UnixNano(), Source: "stranger", Message: attack, Attrs: []byte(`{"long":"` + strings.Repeat("x", 20_000) + `"}`)})
	for range 60 {
		logs = append(logs, event.Log{Time: now.Add(-10 * time.Minute).UnixNano(), Source: "chatty", Message: "long", Attrs: []byte(`{"long":"` + strings.Repeat("y", 600) + `"}`)})
	}
	span := func(id, parent byte, name string, start, took time.Duration) event.Span {
		return event.Span{Trace: trace, ID: [8]byte{id}, Parent: [8]byte{parent}, Name: name, Source: "api", Kind: 2, Start: now.Add(start).UnixNano(), Duration: int64(took), Failed: id == 3}
	}
	spans := []event.Span{
		span(3, 2, "SELECT", -80*time.Millisecond, 5*time.Millisecond), span(1, 0, "GET /orders", -100*time.Millisecond, 90*time.Millisecond),
		span(2, 1, "load", -90*time.Millisecond, 50*time.Millisecond), span(9, 8, "orphan", 0, time.Millisecond), span(7, 7, "its own parent", 0, 1),
	}
	if err := s.Append(t.Context(), &store.Batch{Logs: logs, Spans: spans}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	(&api.API{Store: s, Now: time.Now}).Register(mux)
	return mux
}

// agent is a client of the SDK, connected to the tools.
func agent(t *testing.T, ask Asker) *mcp.ClientSession {
	t.Helper()
	ours, theirs := mcp.NewInMemoryTransports()
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { ended <- Serve(ctx, ask, ours) }() // ends with ctx
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		stop()
		<-ended
	})
	return session
}

type object = map[string]any

// call returns what a tool says, and fails if that is an error or too long.
func call(t *testing.T, s *mcp.ClientSession, tool string, args object) string {
	t.Helper()
	text, failed := try(t, s, tool, args)
	if failed {
		t.Fatalf("%s %v fails: %s", tool, args, text)
	}
	return text
}

func try(t *testing.T, s *mcp.ClientSession, tool string, args object) (text string, failed bool) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return err.Error(), true
	}
	text = res.Content[0].(*mcp.TextContent).Text
	if len(text) > maxPage || len(res.Content) != 1 || res.StructuredContent != nil {
		t.Errorf("%s %v: %d bytes, %d parts, structured %v", tool, args, len(text), len(res.Content), res.StructuredContent)
	}
	if i := strings.IndexAny(text, "\x1b\u202e\r"); i >= 0 {
		t.Errorf("%s %v: a control character in %q", tool, args, text[i:min(len(text), i+20)])
	}
	return text, res.IsError
}

// contains reports each of wants that is not in text.
func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

var cursors = regexp.MustCompile(`cursor (\d+)`)

// Cursors lead through all that a query finds, each record once, whatever the
// limit, in either order, also where the answer was cut before the limit.
func TestSearchPages(t *testing.T) {
	s := agent(t, In(viewer(t)))
	for _, c := range []struct {
		query  string
		limit  int
		oldest bool
		want   int
	}{
		{"", 100, false, 361}, {"level>=error", 7, false, 100}, {"served -level:error user.id=4", 3, true, 20}, {"source:nobody", 5, false, 0}, {"", 100, true, 361}, {"source:chatty", 100, false, 60}, {"source:chatty", 100, true, 60},
	} {
		seen, args := map[string]bool{}, object{"query": c.query, "limit": c.limit, "oldest_first": c.oldest}
		last := ""
		for {
			text := call(t, s, "search_logs", args)
			for _, m := range regexp.MustCompile(`(?m)^(\S+) .* id=(\d+)$`).FindAllStringSubmatch(text, -1) {
				if seen[m[2]] {
					t.Fatalf("%v: %s comes twice", c, m[2])
				}
				seen[m[2]] = true
				if last != "" && m[1] != last && (m[1] > last) != c.oldest {
					t.Errorf("%v: %s comes after %s", c, m[1], last)
				}
				last = m[1]
			}
			next := cursors.FindStringSubmatch(text)
			if next == nil {
				break
			}
			args["cursor"] = next[1]
		}
		if len(seen) != c.want {
			t.Errorf("%v: %d records", c, len(seen))
		}
	}
}

// A record is one line, whatever is in it.
func TestSearchLine(t *testing.T) {
	s := agent(t, In(viewer(t)))
	text := call(t, s, "search_logs", object{"query": "source:stranger"})
	contains(t, text, `info stranger: \x1b[31m\u202egnp.exe\n2026 error api: not a record {"long":"xxx`, "…")
	if strings.Count(text, "\n") != 1 || len(text) > 2000 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	text = call(t, s, "search_logs", object{"query": "trace:" + traceID})
	contains(t, text, `api: request 200 served {"n":200,"user":{"id":0}} trace=`+traceID)
	contains(t, call(t, s, "search_logs", object{"query": "nothing-like-it"}), "no record matches")
}

// A record is shown whole, in the midst of its source's.
func TestContext(t *testing.T) {
	s := agent(t, In(viewer(t)))
	id := regexp.MustCompile(`id=(\d+)`).FindStringSubmatch(call(t, s, "search_logs", object{"query": "n=100"}))[1]
	text := call(t, s, "log_context", object{"id": id, "around": 2})
	contains(t, text, "message: request 100 served", "kind: request <*> served", `attributes: {"n":100`, "before it", "after it")
	order := regexp.MustCompile(`request (\d+)`).FindAllStringSubmatch(text, -1)
	got := ""
	for _, m := range order {
		got += m[1] + " "
	}
	if got != "100 98 99 101 102 " {
		t.Errorf("in the order %s:\n%s", got, text)
	}
	if text := call(t, s, "log_context", object{"id": id, "around": 0}); strings.Contains(text, "before it") {
		t.Errorf("around 0: %s", text)
	}
	id = regexp.MustCompile(`id=(\d+)`).FindStringSubmatch(call(t, s, "search_logs", object{"query": "source:stranger"}))[1]
	if text := call(t, s, "log_context", object{"id": id}); len(text) < 6000 {
		t.Errorf("only %d bytes of a long record", len(text))
	}
}

// Counts are by time, level and source; errors are grouped; kinds are counted.
func TestCounts(t *testing.T) {
	s := agent(t, In(viewer(t)))
	contains(t, call(t, s, "histogram", object{"query": "level>=error", "bars": 3}), "error=", "all: 100;", "source api: 100")
	contains(t, call(t, s, "histogram", object{"query": "user.id=4"}), "all: 20;", "source api: 20")
	contains(t, call(t, s, "error_groups", object{}), "api TimeoutError: request <*> failed; 100 times, 100 of them in the last 24 hours; first ", "latest record id=")
	contains(t, call(t, s, "error_groups", object{"resolved": true}), "no errors")
	contains(t, call(t, s, "log_kinds", object{}), "200 request <*> served\n", "100 request <*> failed\n")
	contains(t, call(t, s, "status", object{}), "361 log records from ", "source api: 300", "source stranger: 1", "records are kept for 168h")
}

// A trace is a tree, with its records.
func TestTrace(t *testing.T) {
	s := agent(t, In(viewer(t)))
	contains(t, call(t, s, "find_traces", object{"name": "get", "last": "1h"}), "90ms api: GET /orders trace="+traceID)
	contains(t, call(t, s, "find_traces", object{"failed": true}), "5ms FAILED api: SELECT")
	contains(t, call(t, s, "find_traces", object{"min_duration": "2s"}), "no trace matches")
	text := call(t, s, "trace", object{"id": strings.ToUpper(traceID)})
	contains(t, text, "\n+0s 90ms api: GET /orders", "\n  +10ms 50ms api: load", "\n    +20ms 5ms FAILED api: SELECT", "\n+100ms 1ms api: orphan",
		"1 log records", "request 200 served")
}

// Each span comes once, after its parent, also where an id is there twice; what
// only a circle of parents leads to is left out.
func TestTree(t *testing.T) {
	span := func(id, parent, start string) api.Span { return api.Span{ID: id, Parent: parent, Start: start} }
	var got []string
	tree := newTree([]api.Span{
		span("c", "b", "30"), span("a", "", "10"), span("b", "a", "20"), span("a", "", "11"), span("d", "a", "15"), span("x", "y", "1"), span("y", "x", "1"),
	})
	tree.walk(func(s *api.Span, depth int) bool {
		got = append(got, fmt.Sprint(s.ID, depth))
		return true
	})
	if want := "[a0 d1 b1 c2 a0]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// What is asked wrongly is an error that the agent can mend.
func TestErrors(t *testing.T) {
	s := agent(t, In(viewer(t)))
	for _, c := range []struct {
		tool string
		args object
		want string
	}{
		{"search_logs", object{"query": "api level:loud"}, "api level:loud\n          ^^^^ \"loud\" is not a level"},
		{"search_logs", object{"query": "api\nlevel:loud"}, "query: at 11: \"loud\" is not a level"},
		{"histogram", object{"query": `"open`}, "the quotation mark is not closed"},
		{"search_logs", object{"limit": 101}, "limit is 101, want 1 to 100"},
		{"search_logs", object{"limit": -1}, "limit is -1, want 1 to 100"},
		{"search_logs", object{"cursor": "x"}, "cursor is a number"},
		{"search_logs", object{"limit": "many"}, "limit"},
		{"search_logs", object{"qeury": "x"}, "qeury"},
		{"log_context", object{"id": "../status"}, `id is "../status", want the number`},
		{"log_context", object{"id": "7"}, "there is no such record"},
		{"log_context", object{}, "id"},
		{"log_context", object{"id": "7", "around": 11}, "around is 11, want 0 to 10"},
		{"histogram", object{"bars": 101}, "bars is 101"},
		{"trace", object{"id": "../../logs"}, "want 32 hexadecimal digits"},
		{"trace", object{"id": strings.Repeat("0", 32)}, "there is no such trace"},
		{"find_traces", object{"last": "soon"}, "is not a span of time"},
		{"log_kinds", object{"last": "soon"}, "is not a span of time"},
	} {
		text, failed := try(t, s, c.tool, c.args)
		if !failed || !strings.Contains(text, c.want) {
			t.Errorf("%s %v: failed %t: %s\nwant %s", c.tool, c.args, failed, text, c.want)
		}
	}
}

// A viewer that is away, or that is no viewer, is said to be; what it says is
// bounded.
func TestStrangeAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, "not a viewer"},
		{"no viewer", http.NotFound, "the viewer answers 404: 404 page not found"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 20 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "ask for fewer records"},
		{"control characters", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			w.Write([]byte("\x1b[31m" + strings.Repeat("x", 1e6)))
		}, `500: \x1b[31mxxx`},
	} {
		s := agent(t, In(c.answer))
		if text, failed := try(t, s, "search_logs", nil); !failed || !strings.Contains(text, c.want) {
			t.Errorf("%s: failed %t: %s", c.name, failed, text)
		}
	}
}

// A model sees what a tool is for, that it only reads, and what it takes.
func TestDescriptions(t *testing.T) {
	s := agent(t, In(http.NotFoundHandler()))
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Tools) != 8 {
		t.Errorf("%d tools", len(list.Tools))
	}
	for _, tool := range list.Tools {
		if n := len(tool.Description); n < 40 || n > 200 || !tool.Annotations.ReadOnlyHint || *tool.Annotations.OpenWorldHint {
			t.Errorf("%s: %+v %q", tool.Name, tool.Annotations, tool.Description)
		}
		properties := tool.InputSchema.(object)["properties"]
		for name, p := range asObject(properties) {
			if p.(object)["description"] == nil {
				t.Errorf("%s: nothing says what %s is", tool.Name, name)
			}
		}
	}
	if text := s.InitializeResult().Instructions; !strings.Contains(text, "level>=warn") || len(text) > 2000 {
		t.Errorf("the instructions have %d bytes: %s", len(text), text)
	}
}

func asObject(v any) object {
	o, _ := v.(object)
	return o
}
