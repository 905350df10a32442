package pages

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func get(mux http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, http.NoBody))
	return w
}

// Each page is there, has no script or style of its own, and loads nothing that is
// not there.
func TestPages(t *testing.T) {
	mux := http.NewServeMux()
	Register(mux)
	loads := regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	for _, p := range pages {
		w := get(mux, strings.Replace(p.Href(), "{id}", "x", 1))
		body := w.Body.String()
		if w.Code != 200 || !strings.Contains(body, "<title>"+p.Title) {
			t.Errorf("%s: %d", p.Path, w.Code)
		}
		if strings.Contains(body, "<style") || strings.Contains(body, "style=") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(body) ||
			regexp.MustCompile(` on[a-z]+=`).MatchString(body) {
			t.Errorf("%s: has a script or style that the policy forbids", p.Path)
		}
		for _, m := range loads.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("%s loads %s", p.Path, m[1])
			}
			if strings.HasPrefix(m[1], "/") && get(mux, m[1]).Code != 200 {
				t.Errorf("%s leads to %s, which is not there", p.Path, m[1])
			}
		}
		if n := strings.Count(body, `rel="modulepreload"`); n == 0 || n != len(needs(static(), p.Module)) {
			t.Errorf("%s preloads %d modules", p.Path, n)
		}
	}
}

// What a page preloads is all that its module imports, over however many modules,
// each once; and no module imports what is not there, or in a way that needs does
// not see.
func TestNeeds(t *testing.T) {
	bodies := map[string][]byte{
		"a.js": []byte("import { x } from \"./b.js\";\n"), "b.js": []byte("import { z } from \"./c.js\";\nimport { y } from \"./a.js\";\n"), "c.js": nil,
	}
	if got := needs(bodies, "a"); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("a needs %v", got)
	}
	all := regexp.MustCompile(`\bimport\b`)
	for name, body := range static() {
		if path.Ext(name) != ".js" {
			continue
		}
		code := regexp.MustCompile("(?m)^//.*$|`[^`]*`").ReplaceAll(body, nil)
		if got, want := len(imports.FindAll(body, -1)), len(all.FindAll(code, -1)); got != want {
			t.Errorf("%s: %d imports are seen, there are %d", name, got, want)
		}
		for _, m := range imports.FindAllSubmatch(body, -1) {
			if static()[string(m[1])+".js"] == nil {
				t.Errorf("%s imports %s, which is not there", name, m[1])
			}
		}
	}
}

// No module writes HTML: what was logged reaches the page as text.
func TestTextOnly(t *testing.T) {
	entries, err := files.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		body, _ := files.ReadFile("static/" + e.Name())
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser", "http://", "https://"} {
			text := strings.ReplaceAll(string(body), "http://www.w3.org/2000/svg", "")
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", e.Name(), bad)
			}
		}
	}
}

// What did not change is not sent again.
func TestNotModified(t *testing.T) {
	mux := http.NewServeMux()
	Register(mux)
	r := httptest.NewRequest(http.MethodGet, "/tail", http.NoBody)
	r.Header.Set("If-None-Match", get(mux, "/tail").Header().Get("ETag"))
	w := httptest.NewRecorder()
	if mux.ServeHTTP(w, r); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}
