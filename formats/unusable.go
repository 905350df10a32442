package formats

import (
	"fmt"
	"mime"

	"github.com/slogship/slogship"
)

// unusable is the Format for options that are not valid. slogship.New calls its Layout,
// and returns the reason as an error.
type unusable struct{ reason error }

func (u unusable) Layout() slogship.Layout                        { return slogship.Layout{Err: u.reason} }
func (unusable) AppendEvent(dst []byte, _ *slogship.Event) []byte { return dst }
func (unusable) ReadAnswer(slogship.Answer) slogship.Verdict      { return slogship.Verdict{} }

// badOption is the error for the value of an option that breaks a rule.
func badOption(field string, value any, rule string) error {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	return fmt.Errorf("formats: %s is %v, want %s", field, value, rule)
}

// A setting is an option that names a member.
type setting struct{ field, name string }

// checkNames returns an error if two members would have the same name.
func checkNames(settings ...setting) error {
	for i, s := range settings {
		for _, before := range settings[:i] {
			if s.name == before.name && s.name != "" && s.name != omit {
				return badOption(s.field, s.name, "a name that "+before.field+" does not have")
			}
		}
	}
	return nil
}

// checkTimeLayout returns an error if l is not one of the layouts.
func checkTimeLayout(field string, l TimeLayout) error {
	if l >= timeLayouts {
		return badOption(field, l, "one of the layouts of package formats")
	}
	return nil
}

// checkMediaType returns an error if s cannot be a Content-Type.
func checkMediaType(field, s string) error {
	if _, _, err := mime.ParseMediaType(s); err != nil {
		return badOption(field, s, "a media type")
	}
	return nil
}
