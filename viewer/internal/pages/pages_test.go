package pages

import (
	"net/http"
	"net/http/httptest"
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
	imports := regexp.MustCompile(`(?:from|import) "\./([^"]+)"`)
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
		module := string(static()[p.Module+".js"])
		var needs []string
		for _, m := range imports.FindAllStringSubmatch(module, -1) {
			needs = append(needs, strings.TrimSuffix(m[1], ".js"))
		}
		slices.Sort(needs)
		if want := slices.Sorted(slices.Values(p.Needs)); !slices.Equal(needs, want) {
			t.Errorf("%s.js imports %v, the page preloads %v", p.Module, needs, want)
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
