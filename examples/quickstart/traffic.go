package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const thinkTime = 2 * time.Millisecond // between a client's requests

// clients are users of the service. Each waits for an answer before it sends
// its next request, so that its requests are logged in the order of their
// numbers.
type clients struct {
	quit chan struct{} // closed by stop
	done sync.WaitGroup

	mu     sync.Mutex // guards what follows
	sent   []int      // by client: requests answered, which are numbered from 1
	failed error      // the first request that was not answered
}

// startClients starts n goroutines that send requests until stop.
func startClients(url string, n int) *clients {
	c := &clients{quit: make(chan struct{}), sent: make([]int, n)}
	for i := range n {
		c.done.Go(func() { c.run(i, url) })
	}
	return c
}

// run is client i.
func (c *clients) run(i int, url string) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for n := 1; ; n++ {
		err := order(client, url, i, n)
		c.note(i, n, err)
		if err != nil {
			return
		}
		select {
		case <-c.quit:
			return
		case <-time.After(thinkTime):
		}
	}
}

// note records what became of the n-th request of client i.
func (c *clients) note(i, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.sent[i] = n
	} else if c.failed == nil {
		c.failed = err
	}
}

// order asks for an order, as the n-th request of client i.
func order(client *http.Client, url string, i, n int) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, fmt.Sprintf("%s/orders/%d", url, n), http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("X-Request-ID", requestID(i, n))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// requestID is the id of the n-th request of client i.
func requestID(i, n int) string { return fmt.Sprintf("client%d-%d", i, n) }

// parseRequestID is the reverse of requestID.
func parseRequestID(id string) (i, n int, err error) {
	_, err = fmt.Sscanf(id, "client%d-%d", &i, &n)
	return i, n, err
}

// stop ends the clients, each after the answer it waits for, and returns how
// many requests each has sent, and why one stopped by itself.
func (c *clients) stop() (sent []int, failed error) {
	close(c.quit)
	c.done.Wait()
	return c.sent, c.failed
}
