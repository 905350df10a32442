// Package record captures slog.Records as bytes, and decodes these to plain data.
//
//	slog.Record -> State.Capture -> bytes -> Decoder.Decode -> Record
//	   the caller's half            kept     the batcher's half
//
// Capture takes down what a record says after slog's rules: LogValuers are
// resolved, ReplaceAttr has been asked, groups are closed, empty ones left out.
// The bytes refer to nothing outside themselves, so that they can be kept, in
// memory or on disk, for as long as it takes to send them. The package knows
// neither formats nor queues, and starts no goroutine.
//
// # Layout
//
// Numbers are little-endian. A length or a count is a varint of encoding/binary,
// unless its width is given; a string is its length and its bytes.
//
//	0       2       4               8               12              16                      24
//	| flags | level |    entries    | seconds, 8 bytes              | nanos |     zone      | ...
//
// These 24 bytes are fixed: the level is an int16, entries how many of them the
// attributes have, in all groups together, so that a Decoder makes room once. The
// time is that of the record, or Observed if it has none; the zone is in seconds
// east of UTC. One flag, recorded, is set after the fact, by MarkRecorded. Then comes
// what the flags say, mostly the message alone:
//
//	[section: time]                   what ReplaceAttr made of it, if it is no time
//	[section: level]                  if it is no level
//	[section: source]                 its members, or what ReplaceAttr made of it
//	[message | section: message]      a string, or what ReplaceAttr made of it
//	[level, 8 bytes]                  if it does not fit into the head
//	[observed, 8 + 4 bytes]           seconds and nanoseconds, unless it is the time
//	entries                           the attributes, to the end
//
// A section is the number of its entries, 4 bytes, and these. An entry is an
// attribute, or closes a group:
//
//	| kind, 4 bits | size, 4 bits | key, a string | value |
//
//	string     a string
//	int        size bytes, zigzag; a duration likewise, in nanoseconds
//	uint       size bytes
//	float      size bytes, the IEEE 754 bits with their bytes reversed: short
//	           numbers end in zeros, which are not there then
//	bool       nothing: size is its value
//	time       seconds, nanoseconds, zone: 8 + 4 + 4 bytes
//	group      how many of the attributes before it are its members
//	JSON       a string: canonical JSON text, see package jsontext
//	bytes      a string
//	error      text and type, strings; the number of frames; of each its
//	           function and file, strings, and its line
//
// A group comes after its members:
//
//	a=1, g={b=2, h={c=3}}    is    a=1  b=2  c=3  h:1  g:2
//
// So WithGroup writes nothing, an empty group need not be taken back, the
// captured attributes of a handler are copied as they are, and a Decoder needs
// no recursion.
package record
