package formats_test

import (
	"testing"

	"github.com/slogship/slogship/slogshiptest"
)

// All formats keep the rules of a Format.
func TestCheckFormat(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) { slogshiptest.CheckFormat(t, g.format) })
	}
}
