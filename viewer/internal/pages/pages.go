// Package pages serves the viewer's pages: a frame by html/template, and small
// ES modules that ask the API and write what it says as text nodes. It knows
// nothing of the store. Nothing is loaded from elsewhere.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed templates static
var files embed.FS

// page is one of the viewer's pages.
type page struct {
	Path   string
	Title  string
	Module string // static/<Module>.js
	Key    string // g and this key lead to it
	Nav    bool
	Needs  []string // what the module imports: loaded at once, not one after the other
	asks   []ask    // what the module asks at once: answered with the page
}

var pages = []page{
	{
		"/{$}", "Logs", "logs", "l", true,
		[]string{"dom", "shell", "chart", "record", "search"},
		[]ask{{"/api/logs?limit=100", "q"}, {"/api/histogram?bars=120", "q"}, {"/api/templates", "q"}},
	},
	{"/tail", "Live", "tail", "t", true, []string{"dom", "shell", "record", "search"}, nil},
	{"/errors", "Errors", "errors", "e", true, []string{"dom", "shell", "chart", "record"}, []ask{{"/api/errors", "resolved"}}},
	{"/traces", "Traces", "traces", "r", true, []string{"dom", "shell"}, nil},
	{"/traces/{id}", "Trace", "trace", "", false, []string{"dom", "shell", "record"}, nil},
	{"/performance", "Performance", "performance", "p", true, []string{"dom", "shell", "chart"}, nil},
	{"/status", "Status", "status", "s", true, []string{"dom", "shell"}, []ask{{"/api/status", ""}}},
}

// Href is where the page's link leads.
func (p page) Href() string { return strings.TrimSuffix(p.Path, "{$}") }

// Register adds the pages to the mux, which serves the API, too.
func Register(mux *http.ServeMux) {
	bodies := static()
	root := root(bodies)
	for name, body := range bodies {
		mux.Handle("GET "+root+name, content(types[path.Ext(name)], "max-age=31536000, immutable", body))
	}
	t := template.Must(template.ParseFS(files, "templates/*.html"))
	for _, p := range pages {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, "page.html", map[string]any{"Page": p, "Pages": pages, "Root": root}); err != nil {
			panic(err) // a template of ours, without data of anybody: a test sees it
		}
		if len(p.asks) > 0 {
			mux.Handle("GET "+p.Path, withAnswers(b.Bytes(), p.asks, mux))
			continue
		}
		// Ask each time: the answer is mostly 304.
		mux.Handle("GET "+p.Path, content("text/html; charset=utf-8", "no-cache", b.Bytes()))
	}
}

// static returns what pages load, by name.
func static() map[string][]byte {
	entries, err := files.ReadDir("static")
	if err != nil {
		panic(err) // it is in the program
	}
	bodies := map[string][]byte{}
	for _, e := range entries {
		if bodies[e.Name()], err = files.ReadFile("static/" + e.Name()); err != nil {
			panic(err)
		}
	}
	return bodies
}

// root returns the path below which static files lie. It changes with them, so
// that browsers need not ask whether they did.
func root(bodies map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		h.Write(bodies[name])
	}
	return "/static/" + hex.EncodeToString(h.Sum(nil)[:6]) + "/"
}

var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// content serves bytes that change only with the program.
func content(contentType, cache string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", cache)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Write(body)
	})
}
