package slogship

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// stdJSON is v as slog.JSONHandler would have it encoded.
func stdJSON(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// Any string becomes valid JSON in valid UTF-8 that decodes to what
// encoding/json makes of it.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{
		"", "plain", "exactly8", "exactly8+", `q"uote`, `back\slash`, "tab\tnewline\nreturn\r", "\x00\x1f\x7f",
		"é", "世界", "\u2028\u2029", "bad\xff", "\xff\xfe\xfd", "abcdefg\xc3", "日本語 with ascii after it", "\xed\xa0\x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendString(nil, s)
		if !utf8.Valid(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		var back, want string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if err := json.Unmarshal(stdJSON(t, s), &want); err != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Fatalf("%q decodes to %q, want %q", got, back, want)
		}
	})
}

// Every byte that needs an escape gets one wherever it stands in a word.
func TestAppendStringAtEveryOffset(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := bytes.Repeat([]byte{'x'}, 24)
			b[at] = byte(c)
			got := AppendString(nil, string(b))
			var back, want string
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatalf("byte %#x at %d: %v in %q", c, at, err, got)
			}
			if err := json.Unmarshal(stdJSON(t, string(b)), &want); err != nil {
				t.Fatal(err)
			}
			if back != want {
				t.Fatalf("byte %#x at %d: %q, want %q", c, at, back, want)
			}
		}
	}
}

func FuzzAppendFloat(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e20, 1e21, 1e-6, 9.99e-7, 1e-9, 1e-10, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		got := AppendFloat(nil, v)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if !json.Valid(got) {
				t.Fatalf("%q is not JSON", got)
			}
			return
		}
		if want := stdJSON(t, v); !bytes.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

// Numbers of few decimals take a short path: those, their neighbours, and those
// at its bounds are written as encoding/json writes them.
func TestAppendFloatOfFewDecimals(t *testing.T) {
	check := func(v float64) {
		t.Helper()
		if got, want := AppendFloat(nil, v), stdJSON(t, v); !bytes.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		v := float64(r.Int64N(1<<r.IntN(50)+1)) / math.Pow10(r.IntN(9))
		if r.IntN(2) == 0 {
			v = -v
		}
		check(v)
		check(math.Nextafter(v, math.Inf(1)))
		check(math.Nextafter(v, math.Inf(-1)))
	}
	for _, v := range []float64{1e9, 999_999_999.999_999, 1e-6, 1e-7, 0.000_001_5, 0.1 + 0.2, 100, 0.5} {
		check(v)
		check(math.Nextafter(v, 0))
	}
}

func TestAppendTimeIsWhatMarshalJSONWrites(t *testing.T) {
	for _, v := range []time.Time{
		{}, time.Unix(0, 0).UTC(), time.Unix(1700000000, 123456789), time.Unix(1700000000, 120000000).In(time.FixedZone("x", 5*3600+1800)),
	} {
		if got, want := appendTime(nil, v), stdJSON(t, v); !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := appendTime(nil, time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC)); !json.Valid(got) {
		t.Errorf("%q is not JSON", got)
	}
}

func TestPutHex(t *testing.T) {
	for _, v := range []uint64{0, 1, 9, 10, 15, 16, 0xabcdef, 0x0123456789abcdef, 0xfedcba9876543210, math.MaxUint64} {
		var b [16]byte
		putHex(b[:], v)
		if want := fmt.Sprintf("%016x", v); string(b[:]) != want {
			t.Errorf("%q, want %q", b, want)
		}
	}
}

func TestDigits8(t *testing.T) {
	check := func(v uint32) {
		t.Helper()
		text := binary.LittleEndian.AppendUint64(nil, digits8(v)|'0'*ones)
		if want := fmt.Sprintf("%08d", v); string(text) != want {
			t.Fatalf("%q, want %q", text, want)
		}
	}
	for v := range uint32(10_000) { // all that can stand in one half of the word
		check(v)
		check(v * 10_000)
		check(99_999_999 - v)
	}
}

func TestAppendInt(t *testing.T) {
	values := []int64{0, math.MaxInt64, math.MinInt64}
	for v := int64(1); v > 0 && v < math.MaxInt64/10; v *= 10 {
		values = append(values, v-1, v, v+1, -v, 1-v, 12*v)
	}
	for _, v := range values {
		if got, want := string(AppendInt([]byte("x"), v)), fmt.Sprintf("x%d", v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := string(AppendUint(nil, math.MaxUint64)); got != "18446744073709551615" {
		t.Errorf("%q is not the greatest uint64", got)
	}
}

func TestIsValid(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for _, c := range []string{"a", "\x7f", "\x80", "\xff", "é", "\ufffd"} {
				s := strings.Repeat("x", at) + c + strings.Repeat("x", n-at-1)
				if got, want := isValid(s), utf8.ValidString(s); got != want {
					t.Errorf("%q: %v, want %v", s, got, want)
				}
			}
		}
	}
	if !isValid("") {
		t.Error("the empty string is not valid")
	}
}
