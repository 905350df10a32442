package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// withAPI serves the pages beside an API.
func withAPI(handle func(w http.ResponseWriter, r *http.Request)) *http.ServeMux {
	mux := http.NewServeMux()
	Register(mux)
	mux.HandleFunc("GET /api/", handle)
	return mux
}

var block = regexp.MustCompile(`<script type="application/json" id="first">([^<]*)</script>`)

// A page comes with the answers to what its module asks at once, also with those
// to the query in its address.
func TestAnswersComeWithThePage(t *testing.T) {
	mux := withAPI(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.URL.Path+" "+r.URL.Query().Get("q")+" "+r.URL.Query().Get("limit"))
	})
	w := get(mux, "/?q=%22a+b%22&id=7")
	m := block.FindStringSubmatch(w.Body.String())
	if m == nil {
		t.Fatalf("no answers in %s", w.Body)
	}
	for _, want := range []string{
		`"/api/logs\nlimit=100\nq=\"a b\"":"/api/logs \"a b\" 100"`,
		`"/api/histogram\nbars=120\nq=\"a b\"":"/api/histogram \"a b\" "`,
		`"/api/templates\nq=\"a b\"":"/api/templates \"a b\" "`,
	} {
		if !strings.Contains(m[1], want) {
			t.Errorf("the answers are %s, want %s", m[1], want)
		}
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers %v", h)
	}
	if !strings.HasSuffix(w.Body.String(), "</body>\n</html>\n") || !w.Flushed {
		t.Errorf("the document ends with %q, its head was sent first: %t", w.Body.String()[w.Body.Len()-30:], w.Flushed)
	}
}

// What was logged ends no element of the page, and begins none.
func TestAnswersAreText(t *testing.T) {
	mux := withAPI(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"msg":"</script><script>alert(1)</script><!--<script>"}`)
	})
	body := get(mux, "/").Body.String()
	m := block.FindStringSubmatch(body)
	if len(m) < 2 || strings.ContainsAny(m[1], "<>") || strings.Count(body, "<script") != 2 {
		t.Errorf("the page is %s", body)
	}
}

// What is refused, is no JSON, or takes long is left out: the page asks again. The
// others are there.
func TestAnswersLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := withAPI(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/api/logs":
				<-r.Context().Done()
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprint(w, `{"error":"late"}`)
			case "/api/histogram":
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":"bad"}`)
				w.WriteHeader(http.StatusOK) // the first one counts
			default:
				fmt.Fprint(w, `{"templates":[]}`)
			}
		})
		start := time.Now()
		m := block.FindStringSubmatch(get(mux, "/").Body.String())
		if len(m) < 2 || m[1] != `{"/api/templates":{"templates":[]}}` {
			t.Errorf("the answers are %q", m)
		}
		if took := time.Since(start); took != patience {
			t.Errorf("the page took %v", took)
		}
		mux = withAPI(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "not JSON") })
		if body := get(mux, "/").Body.String(); block.MatchString(body) || !strings.Contains(body, "</body>") {
			t.Errorf("the page is %s", body)
		}
	})
}

// HEAD asks nothing.
func TestHeadAsksNothing(t *testing.T) {
	mux := withAPI(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.URL) })
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", http.NoBody))
	if w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}
