package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/plain"
)

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
		body, err := c.get(ctx, "/api/logs", url.Values{"q": {text}, "cursor": {cursor}, "limit": {strconv.Itoa(min(*n-len(found), 1000))}})
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
			_, err = fmt.Fprintf(out, "%.23s %-5s %s %s %s\n", r.Time, r.Level, plain.Text(r.Source), plain.Text(r.Message), plain.Text(string(r.Attrs)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
