package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/slogship/slogship/viewer"
	"github.com/slogship/slogship/viewer/internal/tools"
)

// serveAgent answers an agent by MCP on standard input and output, which carry
// nothing else, until it closes them.
func serveAgent(ctx context.Context, args []string, in io.Reader, out, diag io.Writer) (err error) {
	f := flag.NewFlagSet("slogship-viewer mcp", flag.ContinueOnError)
	f.SetOutput(diag)
	var c client
	c.flags(f)
	dir := f.String("dir", "", "read the database in this `directory`, which no viewer may have open, instead of asking one that runs")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	ask := tools.Asker(c.ask)
	if *dir != "" {
		v, err := viewer.New(*dir, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, v.Close()) }()
		ask = tools.In(v)
	}
	err = tools.Serve(ctx, ask, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}})
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil // it has left, or we were told to
	}
	return err
}

// unclosed is a WriteCloser that stays open.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
