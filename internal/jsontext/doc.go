// Package jsontext writes JSON, append-style: each function appends to dst and
// returns it, as strconv.AppendInt does. What it writes decodes to what
// encoding/json with SetEscapeHTML(false) writes, the reference of
// slog.JSONHandler.
//
//	AppendString, AppendInt, AppendFloat, AppendTime ...   scalars
//	AppendAny     any Go value: what no encoder can write becomes a string that
//	              says what was there
//	AppendValid   JSON from elsewhere, made canonical
//
// Canonical JSON is compact, in valid UTF-8, each string as AppendString writes
// it, no key twice in one object, no number that float64 cannot hold:
//
//	{ "a" : 1e999 , "\u0062\/" : 1, "b/" : 2 }   becomes   {"a":"1e999","b/":2}
//
// The package knows neither records nor formats, and starts no goroutine.
package jsontext
