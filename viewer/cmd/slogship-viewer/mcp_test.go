package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/slogship/slogship/viewer"
)

// agent runs the command mcp, and returns a client that talks to it by its
// standard input and output.
func agent(t *testing.T, args ...string) *mcp.ClientSession {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ended := make(chan error, 1)
	go func() { // ends when the client closes its end
		err := run(context.Background(), append([]string{"mcp"}, args...), inR, outW, io.Discard)
		outW.CloseWithError(io.EOF)
		ended <- err
	}()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.IOTransport{Reader: outR, Writer: inW}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		inW.Close()
		if err := <-ended; err != nil {
			t.Errorf("it ends with %v", err)
		}
	})
	return session
}

func says(t *testing.T, s *mcp.ClientSession, query string) (text string, failed bool) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "search_logs", Arguments: map[string]any{"query": query}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Content[0].(*mcp.TextContent).Text, res.IsError
}

// An agent asks a viewer that runs, with its token, by standard input and output.
func TestMCP(t *testing.T) {
	url := start(t, "-token", "secret")
	send(t, url, "secret", `{"msg":"for the agent"}`)
	if text, failed := says(t, agent(t, "-viewer", url, "-token", "secret"), "agent"); failed || !strings.Contains(text, "for the agent") {
		t.Errorf("it says %s", text)
	}
	if text, failed := says(t, agent(t, "-viewer", url), ""); !failed || !strings.Contains(text, "401: a token is needed") {
		t.Errorf("without the token it says %s", text)
	}
	if text, failed := says(t, agent(t, "-viewer", "http://127.0.0.1:1"), ""); !failed || !strings.Contains(text, "is a viewer running?") {
		t.Errorf("without a viewer it says %s", text)
	}
}

// Without a viewer that runs, an agent reads the database itself.
func TestMCPDir(t *testing.T) {
	dir := t.TempDir()
	v, err := viewer.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest(http.MethodPost, "http://localhost/ndjson", strings.NewReader(`{"msg":"kept"}`))
	v.ServeHTTP(discard{}, r)
	if err := run(t.Context(), []string{"mcp", "-dir", dir}, strings.NewReader(""), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "in use by another viewer") {
		t.Errorf("beside a viewer: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if text, failed := says(t, agent(t, "-dir", dir), "kept"); failed || !strings.Contains(text, "default: kept") {
		t.Errorf("it says %s", text)
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(b []byte) (int, error) { return len(b), nil }
