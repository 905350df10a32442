package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/plain"
	"github.com/slogship/slogship/viewer/internal/query"
)

// client asks a viewer that runs.
type client struct {
	url   string
	token string
}

func (c *client) flags(f *flag.FlagSet) {
	f.StringVar(&c.url, "viewer", envOr("SLOGSHIP_VIEWER", "http://127.0.0.1:7777"), "the `address` of the viewer; also as SLOGSHIP_VIEWER")
	f.StringVar(&c.token, "token", os.Getenv("SLOGSHIP_VIEWER_TOKEN"), "its `token`; better given as SLOGSHIP_VIEWER_TOKEN, which others do not see in the list of processes")
	f.Lookup("token").DefValue = "" // -h does not show the environment's
}

func envOr(name, value string) string {
	if s := os.Getenv(name); s != "" {
		return s
	}
	return value
}

// ask returns the answer, whatever its status; the caller closes its body.
func (c *client) ask(ctx context.Context, path string, params url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.url, "/")+path+"?"+params.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("is a viewer running? %w", err)
	}
	return res, nil
}

// get returns the body of an answer that is no error; the caller closes it.
func (c *client) get(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
	res, err := c.ask(ctx, path, params)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is says enough
		return nil, fmt.Errorf("%s: %s", res.Status, plain.Text(strings.TrimSpace(string(body))))
	}
	return res.Body, nil
}

// parseFlags lets flags stand before and after the query, and checks the query
// here: only here the place of an error can be shown.
func parseFlags(f *flag.FlagSet, args []string) (text string, err error) {
	var words []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return "", err
		}
		args = f.Args()
		if len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	text = strings.Join(words, " ")
	var e *query.Error
	if _, err := query.Parse(text, time.Now()); errors.As(err, &e) {
		return "", errors.New("this query is not understood:\n" + e.Caret(text))
	}
	return text, nil
}
