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
	"io/fs"
	"net/http"
	"path"
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
}

var pages = []page{
	{"/{$}", "Logs", "logs", "l", true},
	{"/tail", "Live", "tail", "t", true},
	{"/errors", "Errors", "errors", "e", true},
	{"/traces", "Traces", "traces", "r", true},
	{"/traces/{id}", "Trace", "trace", "", false},
	{"/performance", "Performance", "performance", "p", true},
	{"/status", "Status", "status", "s", true},
}

// Href is where the page's link leads.
func (p page) Href() string { return strings.TrimSuffix(p.Path, "{$}") }

// Register adds the pages to the mux.
func Register(mux *http.ServeMux) {
	t := template.Must(template.ParseFS(files, "templates/*.html"))
	for _, p := range pages {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, "page.html", map[string]any{"Page": p, "Pages": pages}); err != nil {
			panic(err) // a template of ours, without data of anybody: a test sees it
		}
		mux.Handle("GET "+p.Path, content("text/html; charset=utf-8", b.Bytes()))
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err)
	}
	names, err := fs.Glob(static, "*")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		body, err := fs.ReadFile(static, name)
		if err != nil {
			panic(err)
		}
		mux.Handle("GET /static/"+name, content(types[path.Ext(name)], body))
	}
}

var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// content serves bytes that change only with the program.
func content(contentType string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache") // ask each time: the answer is mostly 304
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Write(body)
	})
}
