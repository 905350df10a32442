// Package jsontext writes JSON. Each function appends to dst and returns it, as
// strconv.AppendInt does. The text decodes to the same values as that of encoding/json
// with SetEscapeHTML(false), which slog.JSONHandler uses.
//
//	AppendString, AppendInt, AppendFloat, AppendTime ...   scalars
//	AppendAny     any Go value: what no encoder can write becomes a string that
//	              says what was there
//	AppendValid   JSON from elsewhere, made canonical
//
// Canonical JSON is compact and valid UTF-8. Its strings are written as AppendString
// writes them, its objects have no duplicate keys, and its numbers fit into a float64:
//
//	{ "a" : 1e999 , "\u0062\/" : 1, "b/" : 2 }   becomes   {"a":"1e999","b/":2}
//
// The package must not know records or formats. It starts no goroutine.
package jsontext
