// The same, with an HTTP client in it.
package main

import (
	"log/slog"
	"net/http"
)

func main() {
	resp, err := http.Get("http://127.0.0.1:4318/")
	if err != nil {
		slog.Error("get", "error", err)
		return
	}
	resp.Body.Close()
	slog.Info("hello", "status", resp.Status)
}
