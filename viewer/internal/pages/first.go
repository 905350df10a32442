package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// ask is a question that a page's module asks as soon as it runs. Its answer comes
// with the page, so that the browser need not ask.
type ask struct {
	path string // of the API, with the parameters that are always the same
	pass string // a parameter of the page's own that is passed on, "" or one name
}

// patience bounds how long a page waits for answers. The module asks for what is
// missing, and shows meanwhile that it does.
const patience = 50 * time.Millisecond

// withAnswers serves a page that has answers in it. The head goes out before they
// are there: the browser loads scripts and style in the meantime.
func withAnswers(body []byte, asks []ask, api http.Handler) http.Handler {
	head, tail, ok := bytes.Cut(body, []byte("</body>"))
	if !ok {
		panic("pages: the template has no </body>")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store") // it shows what is there now
		if r.Method == http.MethodHead {
			return
		}
		if _, err := w.Write(head); err != nil {
			return // the browser has left
		}
		_ = http.NewResponseController(w).Flush() // what cannot flush sends all at the end
		var rest bytes.Buffer
		if first := answers(r, asks, api); len(first) > 0 {
			// A block of data, not a script: nothing runs it. Marshal leaves no < in it.
			rest.WriteString(`<script type="application/json" id="first">`)
			if text, err := json.Marshal(first); err == nil {
				rest.Write(text)
			}
			rest.WriteString("</script>\n")
		}
		rest.WriteString("</body>")
		rest.Write(tail)
		_, _ = w.Write(rest.Bytes()) // as above
	})
}

// answers asks the API all at once. What is refused or late is left out.
func answers(r *http.Request, asks []ask, api http.Handler) map[string]json.RawMessage {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var mu sync.Mutex // guards first
	first := map[string]json.RawMessage{}
	var wg sync.WaitGroup
	for _, a := range asks {
		wg.Go(func() {
			target, err := url.Parse(a.path)
			if err != nil {
				panic(err) // a path of ours: a test sees it
			}
			params := target.Query()
			if v := r.URL.Query().Get(a.pass); a.pass != "" && v != "" {
				params.Set(a.pass, v)
			}
			target.RawQuery = params.Encode()
			q := r.WithContext(ctx)
			q.Method, q.URL, q.Body, q.Pattern = http.MethodGet, target, http.NoBody, ""
			got := answer{header: http.Header{}}
			api.ServeHTTP(&got, q)
			if got.status == http.StatusOK && json.Valid(got.body.Bytes()) {
				mu.Lock()
				defer mu.Unlock()
				first[key(target.Path, params)] = got.body.Bytes()
			}
		})
	}
	wg.Wait()
	return first
}

// key is what dom.js looks an answer up by: the path, and the parameters as they
// mean, for browsers and Go escape them differently.
func key(path string, params url.Values) string {
	var list []string
	for name := range params {
		list = append(list, name+"="+params.Get(name))
	}
	slices.Sort(list)
	return strings.Join(append([]string{path}, list...), "\n")
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
