package formats

import (
	"log/slog"
	"strings"

	"github.com/slogship/slogship"
)

// firstError returns the first error among attrs, including those in groups, or nil.
func firstError(attrs []slog.Attr) *slogship.Error {
	for i := range attrs {
		a := &attrs[i]
		switch a.Value.Kind() {
		case slog.KindAny:
			if err, ok := a.Value.Any().(*slogship.Error); ok {
				return err
			}
		case slog.KindGroup:
			if err := firstError(a.Value.Group()); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendStack appends a stack as Go prints it, with two lines for each frame:
//
//	main.load
//		/src/main.go:42
func appendStack(dst []byte, stack []slog.Source) []byte {
	for i := range stack {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = append(dst, stack[i].Function...)
		dst = append(dst, "\n\t"...)
		dst = append(dst, stack[i].File...)
		dst = append(dst, ':')
		dst = slogship.AppendInt(dst, int64(stack[i].Line))
	}
	return dst
}

// stackText is a stack as text, "" if there is none.
func stackText(stack []slog.Source) string { return string(appendStack(nil, stack)) }

// hasPath reports whether attrs have the attribute path, "error.type", or the
// member "type" of a group "error".
func hasPath(attrs []slog.Attr, path string) bool {
	group, member, _ := strings.Cut(path, ".")
	for i := range attrs {
		a := &attrs[i]
		if a.Key == path || a.Key == group && a.Value.Kind() == slog.KindGroup && hasName(a.Value.Group(), member) {
			return true
		}
	}
	return false
}
