package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slogship/slogship/bench/receiver"
)

var naivePeer = Peer{
	Name:     "naive",
	Title:    "one POST per record",
	Proto:    receiver.JSON,
	Plain:    None,
	Slow:     true,
	Settings: "slog.JSONHandler, then http.Client.Post of the one record, in the caller, over kept connections, 10 s timeout; an error loses the record",
	Defaults: "the same",
	Open:     openNaive,
}

func openNaive(s Setup) (*Sink, error) {
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	post := func(b []byte) error {
		resp, err := client.Post(s.URL, "application/json", bytes.NewReader(b))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	}
	return &Sink{
		Handler: newJSONLine(post),
		Flush:   func(context.Context) error { return nil },
		Close:   func(context.Context) error { client.CloseIdleConnections(); return nil },
	}, nil
}
