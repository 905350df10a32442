package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/query"
)

// client asks a viewer that runs.
type client struct {
	url   string
	token string
}

func (c *client) flags(f *flag.FlagSet) {
	f.StringVar(&c.url, "url", "http://127.0.0.1:7777", "where the viewer is")
	f.StringVar(&c.token, "token", os.Getenv("SLOGSHIP_VIEWER_TOKEN"), "its token; better given as SLOGSHIP_VIEWER_TOKEN")
}

// get returns the body of an answer; the caller closes it.
func (c *client) get(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
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
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is says enough
		return nil, fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(body)))
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
		return "", errors.New(e.Text + "\n" + e.Caret(text))
	}
	return text, nil
}

// ask prints the newest records that a query finds, the oldest of them first.
func ask(ctx context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("slogship-viewer query 'level>=warn last:1h'", flag.ContinueOnError)
	f.SetOutput(diag)
	var c client
	c.flags(f)
	n := f.Int("n", 100, "how many records at most")
	asJSON := f.Bool("json", false, "a JSON object a line")
	text, err := parseFlags(f, args)
	if err != nil {
		return err
	}
	var found []api.Record
	for cursor := ""; len(found) < *n; {
		body, err := c.get(ctx, "/api/logs", url.Values{"q": {text}, "cursor": {cursor}, "limit": {fmt.Sprint(min(*n-len(found), 1000))}})
		if err != nil {
			return err
		}
		var page api.Page
		err = json.NewDecoder(body).Decode(&page)
		body.Close()
		if err != nil {
			return err
		}
		found = append(found, page.Records...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	e := json.NewEncoder(out)
	for i := len(found) - 1; i >= 0; i-- {
		r := &found[i]
		if *asJSON {
			err = e.Encode(r)
		} else {
			_, err = fmt.Fprintf(out, "%s %-5s %s %s %s\n", r.Time[:23], r.Level, plain(r.Source), plain(r.Message), plain(string(r.Attrs)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plain keeps what was logged from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f {
			return '\uFFFD'
		}
		return r
	}, s)
}

// export prints all that a query finds.
func export(ctx context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("slogship-viewer export 'last:1h'", flag.ContinueOnError)
	f.SetOutput(diag)
	var c client
	c.flags(f)
	format := f.String("format", "ndjson", "ndjson or csv")
	text, err := parseFlags(f, args)
	if err != nil {
		return err
	}
	body, err := c.get(ctx, "/api/export", url.Values{"q": {text}, "format": {*format}})
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(out, body)
	return err
}
