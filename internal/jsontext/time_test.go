package jsontext

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

func TestAppendTimeInZoneIsWhatMarshalJSONWrites(t *testing.T) {
	for _, v := range []time.Time{
		{}, time.Unix(0, 0).UTC(), time.Unix(1700000000, 123456789), time.Unix(1700000000, 120000000).In(time.FixedZone("x", 5*3600+1800)),
	} {
		if got, want := AppendTimeInZone(nil, v), stdJSON(t, v); !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := AppendTimeInZone(nil, time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC)); !json.Valid(got) {
		t.Errorf("%q is not JSON", got)
	}
}

// A time is what time.Format writes of it in UTC, with digits cut off, in any
// year.
func TestAppendTime(t *testing.T) {
	const layout = `"2006-01-02T15:04:05.000000000`
	check := func(at time.Time) {
		t.Helper()
		full := at.UTC().Format(layout)
		for digits := range 10 {
			want := full[:len(full)-9+digits]
			if digits == 0 {
				want = want[:len(want)-1]
			}
			if got := string(AppendTime([]byte("x"), at, digits)); got != "x"+want+`Z"` {
				t.Fatalf("%d digits: %s, want %s", digits, got, want)
			}
		}
	}
	for seed := range uint64(2000) {
		check(dice.Seeded(seed, 20).Time())
	}
	for _, at := range []time.Time{
		time.Unix(firstSecond, 0), time.Unix(firstSecond-1, 999999999), time.Unix(lastSecond, 999999999), time.Unix(lastSecond+1, 0),
	} {
		check(at)
	}
	for day := range 800 { // over leap days
		check(time.Date(2023, 12, 1+day, day%24, day%60, 59-day%60, 1000*day, time.UTC))
	}
}

// Levels have the names that slog gives them.
func TestAppendLevel(t *testing.T) {
	for l := slog.Level(-300); l < 300; l++ {
		if got, want := string(AppendLevel(nil, l, false)), `"`+l.String()+`"`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := string(AppendLevel(nil, l, true)), `"`+strings.ToLower(l.String())+`"`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// civil is time.Date, for every thirteenth day of the years 0 to 9999, which is each
// day of the year in turn.
func TestCivil(t *testing.T) {
	begin := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for days := uint32(0); days < 3_652_425; days += 13 {
		year, month, day := civil(days)
		if want := begin.AddDate(0, 0, int(days)); int(year) != want.Year() || time.Month(month) != want.Month() || int(day) != want.Day() {
			t.Fatalf("day %d is %d-%d-%d, want %v", days, year, month, day, want)
		}
	}
}
