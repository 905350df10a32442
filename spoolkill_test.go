package slogship

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// What TestSpoolKill tells its child.
const (
	killDir  = "SLOGSHIP_TEST_SPOOL"
	killURL  = "SLOGSHIP_TEST_URL"
	killFrom = "SLOGSHIP_TEST_FROM"
)

// killOptions are those of a child: small bounds, so that records are often on disk
// only. Every other start has another Format.
func killOptions(dir string, start int) *Options {
	o := &Options{
		MaxPending: 200, BatchRecords: 40, FlushInterval: 5 * time.Millisecond,
		MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		Spool:   SpoolOptions{Dir: dir, Delay: 3 * time.Millisecond, SyncLevel: slog.LevelError},
		OnError: func(error) {},
	}
	if start%2 == 1 {
		o.Format = lineFormat{}
	}
	return o
}

// lineFormat is a Format whose bodies are lines.
type lineFormat struct{}

func (lineFormat) Layout() Layout {
	return Layout{ContentType: "application/x-ndjson", Separator: "\n"}
}

func (lineFormat) AppendEvent(dst []byte, e *Event) []byte {
	dst = AppendString(append(dst, `{"id":`...), e.ID)
	dst = AppendString(append(dst, `,"message":`...), e.Message)
	return append(dst, '}')
}

func (lineFormat) ReadAnswer(Answer) Verdict { return Verdict{} }

// TestSpoolKillChild is no test: TestSpoolKill runs it in a process of its own, which
// logs until it is killed, and says on standard output up to which number all is
// written, but for how many that were dropped because memory was full.
func TestSpoolKillChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("the child of TestSpoolKill")
	}
	from, _ := strconv.Atoi(os.Getenv(killFrom))
	h, err := New(os.Getenv(killURL), killOptions(dir, from/killStride))
	if err != nil {
		fmt.Println("e", err)
		return
	}
	fmt.Println("s")
	go func() {
		for {
			if s := h.Stats(); s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight+s.Spooled {
				fmt.Println("e the balance is broken:", s)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}()
	log := slog.New(h)
	for n := from; ; {
		burst := rand.IntN(60)
		switch rand.IntN(60) {
		case 0:
			burst = rand.IntN(6000) // more than memory has room for
		case 1:
			burst = 20_000 // and more than the disk takes at once
		}
		for range burst {
			log.Info(killMessage(n))
			n++
		}
		log.Error(killMessage(n))
		n++
		if s := h.Stats(); s.SyncMissed == 0 {
			fmt.Println("w", n-1, s.Dropped.Overflow)
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	}
}

// killStride is from the first number of a start to that of the next one.
const killStride = 1_000_000

// killMessage is the n-th message; some are bad.
func killMessage(n int) string {
	if n%97 == 13 {
		return fmt.Sprintf("bad%09d", n)
	}
	return fmt.Sprintf("m%09d", n)
}

// A flaky backend answers at random, and remembers what it took.
type flaky struct {
	t      *testing.T
	tricky bool // 500s, and 400s for bad records, too: then the order may change

	mu    sync.Mutex
	calm  bool
	ids   map[string]string // the message of each
	order []string
	twice int
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return // the client is dead
		}
		from = z
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return
	}
	type event struct{ ID, Message string }
	var events []event
	if r.Header.Get("Content-Type") == "application/json" {
		var batch struct{ Batch []event }
		err = json.Unmarshal(body, &batch)
		events = batch.Batch
	} else {
		for line := range strings.Lines(string(body)) {
			var e event
			err = json.Unmarshal([]byte(line), &e)
			events = append(events, e)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.t.Errorf("%v in %.200q", err, body)
	}
	switch n := rand.IntN(12); {
	case f.calm:
	case n == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case n == 1:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case n == 2 && len(events) > 10:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case n == 3 && f.tricky:
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, e := range events {
		if f.tricky && strings.HasPrefix(e.Message, "bad") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	for _, e := range events {
		if other, ok := f.ids[e.ID]; !ok {
			f.ids[e.ID] = e.Message
			f.order = append(f.order, e.Message)
		} else {
			f.twice++
			if other != e.Message {
				f.t.Errorf("%s is the id of %q and of %q", e.ID, other, e.Message)
			}
		}
	}
	if !f.calm && rand.IntN(10) == 0 { // taken, and the answer is lost
		panic(http.ErrAbortHandler)
	}
}

// A process that is killed at random, while the backend fails at random: every record
// that was written arrives, in order but for what was set aside, once by its id, and
// in the end the books balance. A burst may be longer than what memory and disk take at
// once: not more is missing than was counted as dropped.
func TestSpoolKill(t *testing.T) {
	rounds := 8
	if os.Getenv("SPOOL_SOAK") != "" {
		rounds = 50
	} else if testing.Short() {
		t.Skip("starts processes")
	}
	for _, tricky := range []bool{false, true} {
		killRounds(t, rounds, tricky)
	}
}

func killRounds(t *testing.T, rounds int, tricky bool) {
	f := &flaky{t: t, tricky: tricky, ids: map[string]string{}}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	defer server.Close()
	dir := t.TempDir()
	written := map[string]bool{}
	starts, overflow := 0, 0
	for round := range rounds {
		from := round * killStride
		child := exec.Command(os.Args[0], "-test.run", "^TestSpoolKillChild$")
		child.Env = append(os.Environ(), killDir+"="+dir, killURL+"="+server.URL, killFrom+"="+strconv.Itoa(from))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.NewTimer(time.Minute)
		go func() {
			<-kill.C
			_ = child.Process.Kill() // it may have ended
		}()
		if round%4 == 3 { // perhaps while it recovers
			kill.Reset(time.Duration(rand.IntN(100)) * time.Millisecond)
		}
		last, dropped := from-1, 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "s" && round%4 != 3 {
				kill.Reset(time.Duration(20+rand.IntN(250)) * time.Millisecond)
			} else if _, err := fmt.Sscanf(lines.Text(), "w %d %d", &last, &dropped); err == nil {
				continue
			} else if strings.HasPrefix(lines.Text(), "e ") {
				t.Fatal(lines.Text())
			}
		}
		_ = child.Wait() // it was killed
		overflow += dropped
		if last >= from {
			starts++
		}
		for n := from; n <= last; n++ {
			written[killMessage(n)] = true
		}
	}
	f.mu.Lock()
	f.calm = true
	f.mu.Unlock()
	h, err := New(server.URL, killOptions(dir, rounds))
	if err != nil {
		t.Fatal(err)
	}
	h.Flush(t.Context())
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	s := h.Stats()
	if s.Accepted != s.Delivered+s.Dropped.Total() || s.Dropped.Rejected != s.Dropped.Total() || s.Spooled != 0 {
		t.Errorf("%+v", s)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	came := map[string]bool{}
	for i, m := range f.order {
		if came[m] {
			t.Fatalf("%q came under two ids", m)
		}
		came[m] = true
		if !tricky && i > 0 && killNumber(m) < killNumber(f.order[i-1]) {
			t.Fatalf("%q came after %q", m, f.order[i-1])
		}
	}
	missing := 0
	for m := range written {
		if !came[m] && !(tricky && strings.HasPrefix(m, "bad")) {
			missing++
		}
	}
	if missing > overflow {
		t.Errorf("%d of %d written records never came, %d were counted as dropped", missing, len(written), overflow)
	}
	if starts < rounds/2 {
		t.Errorf("only %d of %d processes lived long enough to write", starts, rounds)
	}
	t.Logf("tricky %v: %d kills, %d records promised or dropped before them, %d were dropped and counted, %d never came, "+
		"%d came, %d more than once, 0 under two ids; at last recovered %d, rejected %d",
		tricky, rounds, len(written), overflow, missing, len(came), f.twice, s.Recovered, s.Dropped.Rejected)
}

func killNumber(m string) (n int) {
	n, _ = strconv.Atoi(strings.TrimLeft(m, "mbad"))
	return n
}
