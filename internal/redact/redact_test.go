package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// given are secrets that take different forms in URLs, JSON and HTML.
var given = []string{
	`t0ken/~~~~~with+odd="chars"&<more>`, "s3cr3t-api-key", "us3rname", "p:ss/w@rd?#", "qu3ry value/+&", "c00kievalue",
	`back\slash&amper%41sand`, "пароль-Straße9", "abcd", "!#$&'*;", "0123456789abcdef0123456789abcdef",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}

func secretsOf(plain ...string) *Secrets {
	c := collector{plain: plain}
	return c.secrets(nil)
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func utf16Escapes(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return b.String()
}

// echoes are the ways in which a text may come back.
var echoes = map[string]func(string) string{
	"raw":             func(s string) string { return s },
	"upper":           strings.ToUpper,
	"lower":           strings.ToLower,
	"query":           url.QueryEscape,
	"lower query":     func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	"path":            url.PathEscape,
	"user info":       func(s string) string { return url.UserPassword(s, s).String() },
	"percent":         func(s string) string { return each(s, "%%%02X") },
	"lower percent":   func(s string) string { return each(s, "%%%02x") },
	"Go":              strconv.Quote,
	"Go ASCII":        strconv.QuoteToASCII,
	"slashes":         func(s string) string { return stringsJSON.Replace(s) },
	"Go twice":        func(s string) string { return strconv.Quote(strconv.Quote(s)) },
	"HTML":            html.EscapeString,
	"HTML numbers":    func(s string) string { return each(s, "&#%d;") },
	"HTML hex":        func(s string) string { return each(s, "&#x%02x;") },
	"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 at 1":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("a" + s + "b")) },
	"base64 at 2":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + s + "c")) },
	"URL base64":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"lower base64":    func(s string) string { return strings.ToLower(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 of URL":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(s))) },
	"base64 lines":    func(s string) string { return lines(base64.StdEncoding.EncodeToString([]byte("user:"+s)), 11) },
	"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":             func(s string) string { return fmt.Sprintf("%X", s) },
	"hex with spaces": func(s string) string { return fmt.Sprintf("% x", s) },
	"hex with colons": func(s string) string { return each(s, "%02x:") },
	"0x":              func(s string) string { return fmt.Sprintf("%#x", s) },
	"bytes":           func(s string) string { return fmt.Sprintf("%d", []byte(s)) },
	`\x`:              func(s string) string { return each(s, `\x%02x`) },
	`\X`:              func(s string) string { return each(s, `\x%02X`) },
	`\u`:              utf16Escapes,
	`\0`:              func(s string) string { return each(s, `\%03o`) },
	"mail":            quotedMail,
	"every layer":     func(s string) string { return url.QueryEscape(html.EscapeString(strconv.Quote(s))) },
	"URL thrice":      func(s string) string { return url.QueryEscape(url.QueryEscape(url.QueryEscape(s))) },
	"URL five times":  func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%", "%25252525") },
	"after bad UTF-8": func(s string) string { return "\xff\xc3 İ" + strings.ToUpper(s) },
	"spaced":          func(s string) string { return lines(s, 5) },
}

// stringsJSON escapes as some servers do, and others need not.
var stringsJSON = strings.NewReplacer(`/`, `\/`, `"`, `\"`, `\`, `\\`, "&", `\u0026`, "<", `\u003c`, ">", `\u003E`, "+", `\u002b`)

func lines(s string, width int) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%width == 0 {
			b.WriteString("\r\n")
		}
		b.WriteRune(r)
	}
	return b.String()
}

func quotedMail(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// wantHidden fails if a secret, or what one could make it of, is in shown. It does
// not decode as the package does: an echo of a secret that is in shown was left.
func wantHidden(t *testing.T, how, secret, echo, shown string) {
	t.Helper()
	low, _ := fold(shown)
	for _, form := range []string{secret, echo} {
		form, _ = fold(form)
		form = strings.Join(strings.Fields(form), " ")
		if len(form) >= 4 && strings.Contains(low, form) {
			t.Errorf("%s: %q is shown in %q", how, secret, shown)
		}
		for i := 0; i+20 <= len(form); i++ { // nor much of it
			if strings.Contains(low, form[i:i+20]) {
				t.Errorf("%s: %q of %q is shown in %q", how, form[i:i+20], secret, shown)
				return
			}
		}
	}
}

// A secret is found in whatever form it comes back, at whatever place.
func TestText(t *testing.T) {
	s := secretsOf(given...)
	for how, echo := range echoes {
		for _, secret := range given {
			for _, text := range []string{
				"it is " + echo(secret) + ", you know",
				echo("it is " + secret + ", you know"),
				`{"error":` + strconv.Quote(echo(secret)) + `}`,
				`{"error":{"message":"` + echo(secret) + `"}}`,
				strings.Repeat("long ", 57) + echo(secret), // where it is cut off
			} {
				got := s.Text(text)
				wantHidden(t, how, secret, echo(secret), got)
				if !strings.Contains(got, "[") {
					t.Errorf("%s: %q became %q", how, text, got)
				}
			}
		}
	}
}

// What has no secret is shown as it is.
func TestTextWithoutSecrets(t *testing.T) {
	for _, text := range []string{
		"connection refused", `{"code":17}`, "100% of 3 records \\ 4", "&amp; é %zz \\u12 a=b",
		"dial tcp 127.0.0.1:4318: connect: connection refused",
		"request 0f8fad5b-d9cb-469f-a165-70867728950e: Content-Type must be application/json",
	} {
		if got := secretsOf(given[:6]...).Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := new(Secrets).Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// A secret that is a part of another leaves nothing of that one, whichever is
// looked for first; nor do two that overlap.
func TestTextOfOverlappingSecrets(t *testing.T) {
	for _, c := range []struct{ secrets, text string }{
		{"abcd,abcdefgh", "x abcdefgh y"},
		{"efgh,abcdefgh", "x abcdefgh y"},
		{"abcdef,defghi", "x abcdefghi y"},
		{"abcd", "x abcdabcd y"},
		{"aaaa", "x aaaaaa y"},
		{"redacted,abcd", "x abcd y"},
	} {
		if got := secretsOf(strings.Split(c.secrets, ",")...).Text(c.text); got != "x [redacted] y" {
			t.Errorf("%s: %q became %q", c.secrets, c.text, got)
		}
	}
}

// The usual forms are replaced where they are, and the rest of the text is kept.
func TestTextReplacesInPlace(t *testing.T) {
	s := secretsOf("s3cr3t/api-key")
	for _, how := range []string{"raw", "upper", "query", "path", "HEX", "hex", "bytes", "Go"} {
		got := s.Text("x " + echoes[how]("s3cr3t/api-key") + " y")
		if !strings.HasPrefix(got, "x ") || !strings.HasSuffix(got, " y") || strings.Contains(strings.ToLower(got), "3t") {
			t.Errorf("%s: %q", how, got)
		}
	}
	for before := range 3 {
		encoded := strings.ToLower(base64.StdEncoding.EncodeToString([]byte("xyz"[:before] + "s3cr3t/api-key" + "xyz")))
		if got := s.Text("x " + encoded + " y"); !strings.HasPrefix(got, "x ") || !strings.HasSuffix(got, " y") || !strings.Contains(got, Mark) {
			t.Errorf("base64 at %d: %q", before, got)
		}
	}
}

// Escapes are undone in three layers, in any order, and where the secret itself
// looks as if it had some.
func TestLayers(t *testing.T) {
	const secret = `a%41&lt;\x42=43!`
	s := secretsOf(secret)
	kinds := []string{"query", "HTML", "Go", "percent", "mail", "base64"}
	for _, first := range kinds {
		for _, second := range kinds {
			for _, third := range kinds {
				text := echoes[third](echoes[second](echoes[first]("it is " + secret + " now")))
				if got := s.Text(text); got != Mark && !strings.Contains(got, Mark) {
					t.Errorf("%s, %s, %s: %q became %q", first, second, third, text, got)
				}
			}
		}
	}
}

// Whoever cuts a text may cut it within a secret; its front is not shown.
func TestTextThatIsCut(t *testing.T) {
	for _, secret := range given {
		for _, filler := range []string{secret, "long "} {
			s := secretsOf(secret)
			for how, echo := range echoes {
				if how == "after bad UTF-8" {
					continue // is no front of anything
				}
				front := strings.Repeat(echo(filler)+" ", 1+maxRead/len(echo(filler)))
				for at := maxRead - 40; at < maxRead; at += 7 {
					text := front[:at-1] + " " + echo(secret) + strings.Repeat(" more", 100)
					shown := strings.ReplaceAll(s.Text(text), Mark, " ")
					low, _ := fold(shown)
					for n := 4; n < len(secret); n++ {
						if form, _ := fold(secret[:n]); strings.Contains(low, form) {
							t.Fatalf("%s at %d: %q is shown in %q", how, at, form, shown)
						}
					}
				}
			}
		}
	}
}

// A server that shows only a part of a secret has its text withheld.
func TestPartOfASecret(t *testing.T) {
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	s := secretsOf(secret)
	for n := run; n < len(secret); n++ {
		for at := 0; at+n <= len(secret); at++ {
			if got := s.Text("it is " + secret[at:at+n] + "..."); got != Mark {
				t.Fatalf("%q", got)
			}
		}
	}
	if got := s.Text("it is " + secret[:run-1] + "..."); got == Mark {
		t.Errorf("%d characters are withheld", run-1)
	}
}

// A secret too short to be cut out has the text withheld.
func TestShortSecret(t *testing.T) {
	s := Of(&url.URL{RawQuery: "a=x1"}, http.Header{"X-Tenant": {"7"}})
	for text, want := range map[string]string{
		"tenant 7 unknown":  Mark,
		"no X1 here":        Mark,
		"tenant %37":        Mark,
		"tenant unknown":    "tenant unknown",
		"":                  "",
		"[redacted] again ": "[redacted] again",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

// A server's words become one bounded line; of a JSON object the part that says
// why.
func TestLine(t *testing.T) {
	s := Of(nil, http.Header{"K": {"s3cret"}})
	for text, want := range map[string]string{
		"":                             "",
		" a\r\n\tb\x00c\u202e ":        "a b c",
		`{"message":"why","error":1}`:  "why",
		`{"error":"why"}`:              "why",
		`{"error":"no","message":"y"}`: "y",
		`{"message":"why","x":`:        "why",
		`{"error":{"message":"why"}}`:  `{"error":{"message":"why"}}`,
		`{"detail":"S3CRET"}`:          Mark,
		"bad\xffutf8":                  "bad\ufffdutf8",
		strings.Repeat("é", 200):       strings.Repeat("é", 150) + "…",
		strings.Repeat("é", 2000):      strings.Repeat("é", 150) + "…",
		strings.Repeat("s3cret ", 100): strings.TrimRight(strings.Repeat("[redacted] ", 28)[:300], " ") + "…",
		`{"message":"` + strings.Repeat("x", 5000) + `"}`: `{"message":"` + strings.Repeat("x", 288) + "…",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("Text(%.40q) = %q, want %q", text, got, want)
		}
	}
}

// What a transport adds to a request is a secret too, but for what never is one.
func TestAnd(t *testing.T) {
	u, _ := url.Parse("http://us3r:passw0rd@logs.test/?sig=s1gnature")
	s := Of(nil, http.Header{"K": {"first-key"}}).And(u, http.Header{
		"Authorization": {"Bearer later-token"}, "X-Try": {"1"}, "Content-Type": {"application/json"}, "Traceparent": {"00-abcdef-01"},
	})
	for text, want := range map[string]string{
		"first-key": Mark, "Later-Token": Mark, "s1gnature": Mark, "passw0rd": Mark,
		"1 of 2: want application/json in 00-abcdef-01": "1 of 2: want application/json in 00-abcdef-01",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// The credentials in a header's value are secrets without what is around them.
func TestOfHeader(t *testing.T) {
	s := Of(nil, http.Header{
		"Cookie": {"session=c00kievalue; theme=dark"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("b4sicuser:b4sicpass"))},
		"X-Token": {"Token t0k3n"},
	})
	for _, text := range []string{"c00kievalue", "b4sicuser", "b4sicpass", "t0k3n"} {
		if got := s.Text("x " + text + " y"); got != "x [redacted] y" {
			t.Errorf("%q", got)
		}
	}
}

// Endpoints that are none show nothing that may be a credential.
func TestEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"foo":                                  "foo",
		"":                                     "",
		"logs.test/path":                       "logs.test/path",
		"localhost:3100/loki":                  "localhost:3100/loki",
		"ftp://logs.test/p":                    "ftp://logs.test/p",
		"http://":                              "http://",
		"http:///path":                         "http:///path",
		"http://:80/path":                      "http://:80/path",
		"//logs.test/p":                        "//logs.test/p",
		"http://[::1]:80/p":                    "http://[::1]:80/p",
		"foo?key=us3rname":                     "foo",
		"us3rname:us3rname@logs.test/p":        "logs.test/p",
		"ftp://us3rname:us3rname@logs.test/p":  "ftp://logs.test/p",
		"http://us3rname:p@us3rname@lo gs/p":   "http://[redacted]",
		"http://us3rname:a?us3rname@logs.test": "http://[redacted]",
		"http://us3rname:a#us3rname@logs.test": "http://[redacted]",
		"http://us3rname:a/us3rname@logs.test": "http://logs.test",
		"us3rname@x//us3rname@logs.test":       "[redacted]",
		"us3rname:x//us3rname@logs.test":       "[redacted]",
		"foo?a=//us3rname@us3rname":            "[redacted]",
		"http://logs.test:port/?k=us3rname":    "http://[redacted]",
		"mailto:us3rname@logs.test":            "logs.test",
		"http://logs.test/%zz?k=us3rname":      "http://logs.test/%zz",
		"http://us3r:us3rname%40logs.test/":    "http://[redacted]",
		"http://us3r/us3rname%40logs.test/":    "http://[redacted]",
		"https://hec:us3rname:8088/":           "https://[redacted]",
		"hec:us3rname:8088/":                   "[redacted]",
	} {
		if got := Endpoint(endpoint); got != want {
			t.Errorf("%q became %q, want %q", endpoint, got, want)
		}
	}
}

// Whatever was done to a secret, and wherever it stands: it is not shown.
func TestRandomEchoes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var hows []string
	for how := range echoes {
		hows = append(hows, how)
	}
	const alphabet = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_=%&<>"'\.,:;~!?@#$ éß日`
	letters := []rune(alphabet)
	for range 3_000 {
		secret := make([]rune, 8+rnd.IntN(40))
		for i := range secret {
			if secret[i] = letters[rnd.IntN(len(letters))]; rnd.IntN(2) == 0 || i < 6 {
				secret[i] = letters[rnd.IntN(62)]
			}
		}
		v := strings.Trim(string(secret), " ")
		s := Of(nil, http.Header{"K": {v}})
		how := hows[rnd.IntN(len(hows))]
		echo := echoes[how](v)
		text := strings.Repeat("some words ", rnd.IntN(110)) + "<" + echo + "> and then"
		shown := s.Text(text)
		wantHidden(t, how, v, echo, shown)
		if t.Failed() {
			t.Fatalf("%q of %q", how, v)
		}
	}
}

// Nothing that a server sends breaks it, or shows a secret as it is.
func FuzzText(f *testing.F) {
	for _, echo := range echoes {
		f.Add("s3cr3t/key", "a ", echo("s3cr3t/key"))
	}
	f.Add("7", "", "\\")
	f.Fuzz(func(t *testing.T, secret, before, text string) {
		s := secretsOf(secret)
		if secret == "" {
			s = secretsOf()
		}
		shown := s.Text(before + text + secret)
		if len(shown) > maxText+len("…") {
			t.Errorf("%d bytes", len(shown))
		}
		if len(secret) >= short && !strings.Contains(Mark, secret) && secret != "\ufffd" && strings.Contains(shown, secret) {
			t.Errorf("%q shows %q", shown, secret)
		}
	})
}

// BenchmarkText is what an error costs: with the usual secrets, and for the worst
// of texts.
func BenchmarkText(b *testing.B) {
	s := secretsOf(given...)
	for name, text := range map[string]string{
		"usual": `{"message":"no such dataset, request 0f8fad5b-d9cb-469f-a165-70867728950e"}`,
		"page":  strings.Repeat(`<a href="/x?a=b&amp;c=d%20e">\n</a> `, 100),
		"worst": strings.Repeat(`%25=3d\\x26amp;%2541=3D `, 100),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Text(text)
			}
		})
	}
}

// A secret with another one in it is not left in part when that one is replaced.
func TestRestOfASecret(t *testing.T) {
	const secret = "XhsNPxr00t;~vdnq>"
	s := Of(nil, http.Header{"K": {secret}})
	if got := s.Text("<" + echoes["URL five times"](secret) + "> and"); got != Mark {
		t.Errorf("%q", got)
	}
}

// Base64 is decoded wherever in a run of its digits it begins.
func TestBase64AfterOtherDigits(t *testing.T) {
	s := secretsOf("s3cr3t/api-key/with&more")
	for before := range 5 {
		text := "xyzw"[:before] + base64.RawStdEncoding.EncodeToString([]byte("&#115;3cr3t%2Fapi-key%2Fwith%26more"))
		if got := s.Text("it is " + text); got != Mark {
			t.Errorf("after %d: %q", before, got)
		}
	}
}
