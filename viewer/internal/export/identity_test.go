package export

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/viewer/internal/api"
)

// An id is of the key and of all that the record holds: any difference makes
// another one.
func TestIdentify(t *testing.T) {
	record := func(change func(r *api.Record)) string {
		r := &api.Record{ID: "7", Time: "t", Level: "info", Source: "api", Message: "m", Attrs: []byte("{}"), Trace: "a", Span: "b"}
		if change != nil {
			change(r)
		}
		return identify(7, r).Value.String()
	}
	ids := []string{record(nil)}
	for _, change := range []func(r *api.Record){
		func(r *api.Record) { r.ID = "8" }, func(r *api.Record) { r.Time = "u" }, func(r *api.Record) { r.Level = "warn" }, func(r *api.Record) { r.Source = "web" },
		func(r *api.Record) { r.Message = "n" }, func(r *api.Record) { r.Attrs = []byte("{ }") }, func(r *api.Record) { r.Trace = "" }, func(r *api.Record) { r.Span = "" },
		func(r *api.Record) { r.Source, r.Message = "apim", "" },
	} {
		ids = append(ids, record(change))
	}
	slices.Sort(ids)
	none, again := record(nil), record(nil)
	if n := len(slices.Compact(ids)); n != 10 || none != again {
		t.Errorf("%d ids of 10 records", n)
	}
}

// What is exported twice is the same, byte for byte, though it was taken at
// another time by another Handler.
func TestIdentified(t *testing.T) {
	f := identified{formats.OTLP(formats.OTLPOptions{Encoding: formats.OTLPJSON})}
	var bodies []string
	for i := range 2 {
		e := &slogship.Event{
			ID: []string{"1", "2"}[i], Time: time.Unix(1_700_000_000, 0), Observed: time.Unix(int64(1_800_000_000+i), 0), Message: "m",
			Attrs: []slog.Attr{identify(7, &api.Record{ID: "7"}), slog.Int("n", 1)},
		}
		if key, ok := keyOf(e); key != 7 || !ok {
			t.Errorf("the key is %d, %t", key, ok)
		}
		bodies = append(bodies, string(f.AppendEvent(nil, e)))
	}
	if bodies[0] != bodies[1] {
		t.Errorf("%s\n%s", bodies[0], bodies[1])
	}
	// An identity that was cut with a monstrous record is no key, and not an attribute either.
	e := &slogship.Event{ID: "own", Attrs: []slog.Attr{slog.String(identityName, "short")}}
	if _, ok := keyOf(e); ok {
		t.Error("half an identity is a key")
	}
	if f.AppendEvent(nil, e); e.ID != "own" || len(e.Attrs) != 0 {
		t.Errorf("%+v", e)
	}
}

// An export loses nothing to a slow backend: it waits.
func TestWaits(t *testing.T) {
	target, err := NewTarget("loki", "http://127.0.0.1:1", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := target.options("api"); o.OnFull != slogship.Block || o.Level.Level() > -1000 {
		t.Errorf("OnFull is %v, Level %v", o.OnFull, o.Level)
	}
}
