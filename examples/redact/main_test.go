package main

import (
	"bytes"
	"strings"
	"testing"
)

// The card is nowhere, and the password only where the example says that
// nobody sees it.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Contains(text, "4111111111111111") || strings.Count(text, "************1111") != 2 {
		t.Errorf("the card is not masked twice:\n%s", text)
	}
	if strings.Count(text, "[withheld]") != 2 || strings.Count(text, "hunter2") != 1 {
		t.Errorf("want two withheld values, and the password once:\n%s", text)
	}
}
