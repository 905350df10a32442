package slogship

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each mistake in Options is an error that names field, value and rule.
func TestBadOptions(t *testing.T) {
	layout := func(f func(*Layout)) Format { return fakeFormat{layout: f} }
	for want, o := range map[string]Options{
		"slogship: Options.FlushInterval is -1s, want >= 0":     {FlushInterval: -time.Second},
		"slogship: Options.BatchRecords is -1, want >= 0":       {BatchRecords: -1},
		"slogship: Options.Requests is -1, want >= 0":           {Requests: -1},
		"slogship: Options.BatchBytes is -1, want >= 0":         {BatchBytes: -1},
		"slogship: Options.MaxPending is -1, want >= 0":         {MaxPending: -1},
		"slogship: Options.MaxPendingBytes is -1, want >= 0":    {MaxPendingBytes: -1},
		"slogship: Options.MaxRecordBytes is -1, want >= 0":     {MaxRecordBytes: -1},
		"slogship: Options.RequestTimeout is -1ns, want >= 0":   {RequestTimeout: -1},
		"slogship: Options.MinBackoff is -1ms, want >= 0":       {MinBackoff: -time.Millisecond},
		"slogship: Options.MaxBackoff is -1m0s, want >= 0":      {MaxBackoff: -time.Minute},
		"slogship: Options.Spool.MaxBytes is -1, want >= 0":     {Spool: SpoolOptions{Dir: "d", MaxBytes: -1}},
		"slogship: Options.Spool.MaxBytes is 1, want 0 or at":   {Spool: SpoolOptions{Dir: "d", MaxBytes: 1}},
		"slogship: Options.Spool.MaxAge is -1s, want >= 0":      {Spool: SpoolOptions{Dir: "d", MaxAge: -time.Second}},
		"slogship: Options.Spool.Delay is -1s, want >= 0":       {Spool: SpoolOptions{Dir: "d", Delay: -time.Second}},
		"slogship: Options.Spool.Dir is \"\", want a directory": {Spool: SpoolOptions{SyncLevel: slog.LevelError}},

		"slogship: Options.MinBackoff is 2s, want <= MaxBackoff, which is 1s": {MinBackoff: 2 * time.Second, MaxBackoff: time.Second},
		"slogship: Options.Compression is Compression(9), want Gzip, Zstd":    {Compression: 9},
		"slogship: Options.Compression is zstd, want Gzip or None: the serv":  {Compression: Zstd},

		`slogship: Options.Header has the name "a b", want letters`:                      {Header: http.Header{"a b": {"s3cret"}}},
		`slogship: Options.Header has the name "", want letters`:                         {Header: http.Header{"": {"s3cret"}}},
		`slogship: Options.Header: the value of "K" (not shown) has the control charact`: {Header: http.Header{"K": {"ok", "s3cret\n"}}},

		"slogship: Options.Format: Layout.MaxRecords is -1, want >= 0":                                                                              {Format: layout(func(l *Layout) { l.MaxRecords = -1 })},
		"slogship: Options.Format: Layout.MaxBytes is -1, want >= 0":                                                                                {Format: layout(func(l *Layout) { l.MaxBytes = -1 })},
		"slogship: Options.Format: Layout.MaxRecordBytes is -1, want >= 0":                                                                          {Format: layout(func(l *Layout) { l.MaxRecordBytes = -1 })},
		"slogship: Options.Format: Layout.MaxBytes is 12, want more than head":                                                                      {Format: layout(func(l *Layout) { l.MaxBytes = 12 })},
		`slogship: Options.Format: Layout.ContentType is "", want a media type`:                                                                     {Format: layout(func(l *Layout) { l.ContentType = "" })},
		`slogship: Options.Format: Layout.ContentType: the value of "Content-Type" (not shown) has the control character 0x0a at byte 1, want none`: {Format: layout(func(l *Layout) { l.ContentType = "a\nb" })},
		`slogship: Options.Format: Layout.Reserved has "a" and "a_", want names`:                                                                    {Format: layout(func(l *Layout) { l.Reserved = []string{"a", "a_"} })},
		`slogship: Options.Format: Layout.Header has the name "a:"`:                                                                                 {Format: layout(func(l *Layout) { l.Header = http.Header{"a:": nil} })},
		"slogship: Options.Format: fake: Index is \"A\", want lower case":                                                                           {Format: layout(func(l *Layout) { l.Err = errors.New(`fake: Index is "A", want lower case`) })},
		"slogship: Options.Format: slogship.fakeFormat.Layout panicked: no idea":                                                                    {Format: layout(func(*Layout) { panic("no idea") })},
		"slogship: Options.Format: Layout.AppendHead panicked: no idea": {Format: layout(func(l *Layout) {
			l.AppendHead = func([]byte, int, int) []byte { panic("no idea") }
		})},
	} {
		h, err := New(testEndpoint, &o)
		if err == nil {
			h.Close()
			t.Errorf("no error; want %s", want)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// What is left open gets a default, and batches are clamped to half of what may
// be pending and to the format's limits.
func TestDefaultsAndLimits(t *testing.T) {
	limited := fakeFormat{layout: func(l *Layout) { l.MaxRecords, l.MaxBytes, l.MaxRecordBytes = 500, 10_000, 3000 }}
	frame := len(`{"batch":[` + `]}`)
	for i, c := range []struct {
		o    Options
		want Options
	}{
		{Options{}, Options{
			FlushInterval: time.Second, BatchRecords: 10_000, BatchBytes: 1 << 20,
			MaxPending: 65_536, MaxPendingBytes: 32 << 20, MaxRecordBytes: 256 << 10,
			RequestTimeout: 10 * time.Second, MinBackoff: 500 * time.Millisecond, MaxBackoff: 30 * time.Second, Requests: 1,
		}},
		{Options{MaxPending: 7, MaxPendingBytes: 1000}, Options{BatchRecords: 3, BatchBytes: 500, MaxRecordBytes: 1000}},
		{Options{MaxPending: 1, MaxPendingBytes: 1}, Options{BatchRecords: 1, BatchBytes: 1, MaxRecordBytes: 1}},
		{Options{MaxPending: 100, BatchRecords: 80, BatchBytes: math.MaxInt}, Options{BatchRecords: 50, BatchBytes: 12_000_000}},
		{Options{Format: limited}, Options{BatchRecords: 500, BatchBytes: 10_000, MaxRecordBytes: 3000}},
		{Options{Format: limited, BatchRecords: 600, BatchBytes: 9000}, Options{BatchRecords: 500, BatchBytes: 9000}},
		{Options{Format: limited, BatchRecords: 400}, Options{BatchRecords: 400}},
		{Options{BatchBytes: 50_000_000, MaxPendingBytes: 1 << 30, MaxRecordBytes: 20_000_000}, Options{BatchBytes: 12_000_000, MaxRecordBytes: 12_000_000 - frame}},
		{Options{MaxBackoff: time.Millisecond}, Options{MinBackoff: time.Millisecond}},
		{Options{MinBackoff: time.Hour}, Options{MaxBackoff: time.Hour}},
		{Options{MinBackoff: time.Hour, MaxBackoff: time.Hour}, Options{}},
		{Options{Requests: 64}, Options{Requests: 64}},
		{Options{Requests: math.MaxInt}, Options{Requests: 64}},
	} {
		s, err := c.o.resolve()
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
		for _, f := range []struct {
			name      string
			got, want int64
		}{
			{"FlushInterval", int64(s.FlushInterval), int64(c.want.FlushInterval)},
			{"BatchRecords", int64(s.BatchRecords), int64(c.want.BatchRecords)},
			{"BatchBytes", int64(s.BatchBytes), int64(c.want.BatchBytes)},
			{"MaxPending", int64(s.MaxPending), int64(c.want.MaxPending)},
			{"MaxPendingBytes", int64(s.MaxPendingBytes), int64(c.want.MaxPendingBytes)},
			{"MaxRecordBytes", int64(s.MaxRecordBytes), int64(c.want.MaxRecordBytes)},
			{"RequestTimeout", int64(s.RequestTimeout), int64(c.want.RequestTimeout)},
			{"MinBackoff", int64(s.MinBackoff), int64(c.want.MinBackoff)},
			{"MaxBackoff", int64(s.MaxBackoff), int64(c.want.MaxBackoff)},
			{"Requests", int64(s.Requests), int64(c.want.Requests)},
		} {
			if f.want != 0 && f.got != f.want {
				t.Errorf("%d: %s is %d, want %d", i, f.name, f.got, f.want)
			}
		}
	}
}

// New neither writes to the options it was given nor looks at them again.
func TestOptionsAreCopied(t *testing.T) {
	o := Options{Header: http.Header{"X-Key": {"k"}}, Client: &http.Client{}, Level: slog.LevelWarn}
	before := fmt.Sprintf("%+v", o)
	h, err := New(testEndpoint, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if after := fmt.Sprintf("%+v", o); after != before {
		t.Errorf("New made %s of %s", after, before)
	}
	o.Level = slog.LevelDebug
	if h.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("a later change of Options counts")
	}
}

func TestCompressionString(t *testing.T) {
	if got := fmt.Sprint(Gzip, Zstd, None, Compression(7)); got != "gzip zstd none Compression(7)" {
		t.Error(got)
	}
}
