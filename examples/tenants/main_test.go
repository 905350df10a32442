package main

import (
	"bytes"
	"testing"
)

// The tenant whose backend fails harms no other.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	const want = "acme     delivered 100 of 100\nglobex   delivered 100 of 100\ninitech  delivered 0 of 100\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
