package viewer_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/slogship/slogship/viewer"
)

// The viewer inside an application: its own log goes straight into the store, and
// the pages are on loopback.
func Example() {
	v, err := viewer.New("logs", nil) // a directory
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	slog.SetDefault(slog.New(v.Handler(nil)))
	server := &http.Server{Addr: "127.0.0.1:7777", Handler: v}
	fmt.Println(server.ListenAndServe())
}
