package slogship

import (
	"strings"
	"sync/atomic"
	"time"
)

// net/http says through package log what it does not like about connections, as
// when a server answers twice. slog.SetDefault leads that into slogship, whose next
// request meets the same: a record for ever, with the server's bytes in it. So such
// a line is taken once a minute, without secrets, and does not wake the batcher.

const connLineEvery = time.Minute

// connLineStart is the length of the front of a message in which a line is looked
// for: package log may put a prefix, a date and a file before it.
const connLineStart = 128

const connLineLeast = 20 // bytes of the shortest line

// isConnLine reports whether a message is such a line, of Go 1.25 to 1.26.
//
//	Unsolicited response received on idle HTTP channel starting with ...
//	http2: Transport received unsolicited DATA frame; closing connection
//	protocol error: received ... before a SETTINGS frame
//	Transport: unhandled response frame type ...
//	RoundTripper returned a response & error; ignoring response
//	http2: Transport ..., http2: Framer ...: with GODEBUG=http2debug
//
// All have one of two words; no other message pays for more than looking for them.
func isConnLine(message string) bool {
	if len(message) < connLineLeast {
		return false
	}
	front := message[:min(len(message), connLineStart)]
	if !strings.Contains(front, "response") && !strings.Contains(front, ": ") {
		return false
	}
	for _, line := range connLineTexts {
		if strings.Contains(front, line) {
			return true
		}
	}
	return false
}

var connLineTexts = []string{
	"Unsolicited response received on idle HTTP channel",
	"http2: Transport ",
	"http2: Framer ",
	"protocol error: received DATA ",
	"before a SETTINGS frame",
	"Transport: unhandled response frame type",
	"RoundTripper returned a response & error",
}

// connLines remembers when the next line may be taken.
type connLines struct {
	began time.Time    // of the handler; what counts is the monotonic clock
	next  atomic.Int64 // in nanoseconds since then
}

func (c *connLines) take() bool {
	now := int64(time.Since(c.began))
	next := c.next.Load()
	return now >= next && c.next.CompareAndSwap(next, now+int64(connLineEvery))
}
