package tools

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/slogship/slogship/viewer/internal/api"
)

type searchInput struct {
	Query  string `json:"query,omitempty" jsonschema:"for example: level>=warn source:api user.id=42 last:15m; empty: all"`
	Cursor string `json:"cursor,omitempty" jsonschema:"from the answer before, to go on; with the same query and order"`
	Limit  int    `json:"limit,omitempty" jsonschema:"records at most, 1 to 100; 20 if left out"`
	Oldest bool   `json:"oldest_first,omitempty" jsonschema:"from the oldest record on"`
}

func (t *toolset) search(ctx context.Context, in *searchInput, out *page) error {
	limit := in.Limit
	if limit == 0 {
		limit = 20
	}
	if limit < 1 || limit > 100 {
		return fmt.Errorf("limit is %d, want 1 to 100", in.Limit)
	}
	order := ""
	if in.Oldest {
		order = "asc"
	}
	var p api.Page
	if err := t.get(ctx, &p, "/api/logs", "q", in.Query, "cursor", in.Cursor, "limit", strconv.Itoa(limit), "order", order); err != nil {
		return err
	}
	next := p.Next
	for i := range p.Records {
		if !out.line("%s", recordLine(&p.Records[i])) {
			// A record's id is the cursor of what comes after it.
			out.note("cut: %d of %d records are shown; go on with cursor %s", i, len(p.Records), p.Records[i-1].ID)
			return nil
		}
	}
	if len(p.Records) == 0 && next == "" {
		out.note("no record matches")
	}
	if p.Partial {
		out.note("not all was looked at: from here to %s it was", p.UpTo)
	}
	if next != "" {
		out.note("there may be more: go on with cursor %s", next)
	}
	return nil
}

// recordLine is a record in a list.
func recordLine(r *api.Record) string {
	s := fmt.Sprintf("%s %s %s: %s", r.Time, r.Level, shown(r.Source, 100), shown(r.Message, maxText))
	if len(r.Attrs) > 0 {
		s += " " + shown(string(r.Attrs), maxAttrs)
	}
	if r.Trace != "" {
		s += " trace=" + r.Trace
	}
	return s + " id=" + r.ID
}

type contextInput struct {
	ID     string `json:"id" jsonschema:"the id of a record"`
	Around *int   `json:"around,omitempty" jsonschema:"records before and after it, 0 to 10; 5 if left out"`
}

func (t *toolset) context(ctx context.Context, in *contextInput, out *page) error {
	around := 5
	if in.Around != nil {
		around = *in.Around
	}
	if around < 0 || around > 10 {
		return fmt.Errorf("around is %d, want 0 to 10", around)
	}
	if _, err := strconv.ParseInt(in.ID, 10, 64); err != nil {
		return fmt.Errorf("id is %q, want the number that search_logs writes after id=", shown(in.ID, 50))
	}
	var c struct {
		Record        api.Record
		Before, After []api.Record // from the record outwards
	}
	if err := t.get(ctx, &c, "/api/logs/"+in.ID); err != nil {
		return err
	}
	r := &c.Record
	out.line("%s %s %s id=%s", r.Time, r.Level, shown(r.Source, 100), r.ID)
	out.line("message: %s", shown(r.Message, maxWhole/4))
	if r.Template != "" {
		out.line("kind: %s", shown(r.Template, maxText))
	}
	if r.Trace != "" {
		out.line("trace: %s span: %s", r.Trace, cmp.Or(r.Span, "none"))
	}
	if len(r.Attrs) > 0 {
		out.line("attributes: %s", shown(string(r.Attrs), maxWhole/2))
	}
	before := c.Before[:min(around, len(c.Before))]
	if len(before) > 0 {
		out.line("\nbefore it, the oldest first:")
	}
	for i := len(before) - 1; i >= 0; i-- {
		if !out.line("%s", recordLine(&before[i])) {
			out.note("cut: ask with a smaller around")
			return nil
		}
	}
	after := c.After[:min(around, len(c.After))]
	if len(after) > 0 {
		out.line("\nafter it:")
	}
	for i := range after {
		if !out.line("%s", recordLine(&after[i])) {
			out.note("cut: ask with a smaller around")
			return nil
		}
	}
	return nil
}
