package viewer_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/slogship/slogship/viewer"
)

// The viewer inside an application: its log goes straight into the store, and the
// pages are on an address of their own, on loopback.
func Example() {
	dir, err := os.MkdirTemp("", "logs-") // yours is one that stays
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	v, err := viewer.New(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	pages := httptest.NewServer(v) // yours listens on 127.0.0.1:7777
	defer pages.Close()

	logger := slog.New(v.Handler(&viewer.HandlerOptions{Source: "shop"}))
	logger.Warn("payment refused", "order", 42)

	// What the page shows, for programs:
	res, err := http.Get(pages.URL + "/api/export?q=level%3Awarn+order%3D42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	found, err := io.ReadAll(res.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(string(found), `"source":"shop","msg":"payment refused"`))
	// Output: true
}

// Beside an application's own pages: the viewer has the whole of a host's address
// space, and its own guard. Here that host is logs.internal, and asks for a token.
func ExampleViewer_ServeHTTP() {
	dir, err := os.MkdirTemp("", "logs-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	v, err := viewer.New(dir, &viewer.Options{Hosts: []string{"logs.internal"}, Token: "a long random text"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the shop") })
	mux.Handle("logs.internal/", v)

	for _, url := range []string{"http://shop.internal/", "http://logs.internal/"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, http.NoBody))
		fmt.Println(url, w.Code)
	}
	// Output:
	// http://shop.internal/ 200
	// http://logs.internal/ 401
}
