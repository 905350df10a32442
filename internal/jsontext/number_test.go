package jsontext

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

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

func TestAppendHex(t *testing.T) {
	for _, v := range []uint64{0, 1, 9, 10, 15, 16, 0xabcdef, 0x0123456789abcdef, 0xfedcba9876543210, math.MaxUint64} {
		if got, want := string(AppendHex([]byte("x"), v)), fmt.Sprintf("x%016x", v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
