package slogshipdebug_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshipdebug"
	"github.com/slogship/slogship/slogshiptest"
)

// A page, JSON, metrics and a form for the level, beside net/http/pprof.
func ExampleNew() {
	backend := slogshiptest.StartServer() // stands for yours
	defer backend.Close()
	var level slog.LevelVar
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), Level: &level})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	mux := http.NewServeMux()
	mux.Handle("/debug/slogship/", slogshipdebug.New(h, &slogshipdebug.Options{Level: &level}))
	admin := httptest.NewServer(mux) // in a program: an address that the public cannot reach
	defer admin.Close()

	slog.New(h).Info("one record")
	resp, err := http.Get(admin.URL + "/debug/slogship/metrics")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	metrics, _ := io.ReadAll(resp.Body)
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "slogship_records_accepted_total") {
			fmt.Println(line[strings.LastIndex(line, " ")+1:])
		}
	}
	// Output: 1
}
