package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slogship/slogship/viewer/internal/plain"
	"github.com/slogship/slogship/viewer/internal/query"
)

// maxAnswer bounds what the API is listened to.
const maxAnswer = 64 << 20

// Asker asks the API: GET path?params. The caller closes the body.
type Asker func(ctx context.Context, path string, params url.Values) (*http.Response, error)

// In asks an API in this process, past whoever guards it from others.
func In(api http.Handler) Asker {
	return func(ctx context.Context, path string, params url.Values) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path+"?"+params.Encode(), http.NoBody)
		if err != nil {
			return nil, err
		}
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		api.ServeHTTP(w, req)
		if w.cut {
			return nil, errTooLong
		}
		return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: io.NopCloser(&w.body), Request: req}, nil
	}
}

// recorder is a ResponseWriter that keeps what it is given, within bounds.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	cut    bool // there was more
}

func (w *recorder) Header() http.Header    { return w.header }
func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(b []byte) (int, error) {
	if w.body.Len()+len(b) > maxAnswer {
		w.cut = true
		return 0, errTooLong
	}
	return w.body.Write(b)
}

var errTooLong = errors.New("the answer is too long: ask for fewer records")

// get asks, and reads the answer into v. What the API says is wrong with a query
// is shown at its place.
func (t *toolset) get(ctx context.Context, v any, path string, params ...string) error {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	res, err := t.ask(ctx, path, q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("the viewer's answer cannot be read: %w", err)
	}
	if len(body) > maxAnswer {
		return errTooLong
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, v); err != nil {
			return errors.New("what answers is not a viewer of this version")
		}
		return nil
	}
	var f struct {
		Error    string
		Pos, End *int
	}
	if json.Unmarshal(body, &f) != nil || f.Error == "" {
		text, _ := plain.Clip(strings.TrimSpace(string(body)), maxText)
		return fmt.Errorf("the viewer answers %d: %s", res.StatusCode, plain.Text(text))
	}
	if f.Pos != nil && f.End != nil {
		return caret(q.Get("q"), &query.Error{Pos: *f.Pos, End: *f.End, Text: f.Error})
	}
	return errors.New(f.Error)
}

// caret is the error with the query, and a mark below the place.
func caret(text string, e *query.Error) error {
	if len(text) > maxText || strings.ContainsAny(text, "\r\n\t") {
		return errors.New(e.Error()) // a mark would not stand below its place
	}
	return errors.New(e.Caret(text))
}
