package slogship

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lossEvents are the events in a request that tell of losses.
func lossEvents(t *testing.T, r *request) (all []map[string]any) {
	t.Helper()
	var batch struct{ Batch []map[string]any }
	if err := json.Unmarshal(r.body, &batch); err != nil {
		t.Fatal(err)
	}
	for _, e := range batch.Batch {
		if e["message"] == lossMessage {
			all = append(all, e)
		}
	}
	return all
}

// After records were dropped, the batches say so until one is taken: the same event,
// with an id of its own, in none of the books.
func TestLossRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{LossRecord: true, MaxPending: 10, BatchRecords: 5})
		for i := range 30 {
			tr.say(counted(i, 1)...)
			time.Sleep(time.Second)
		}
		tr.Discard()
		tr.say("a", "b")
		time.Sleep(time.Minute)
		before := len(tr.got())
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 { // what was dropped after the first report was made is in another one
			tr.say("c")
			tr.Flush(t.Context())
		}
		lost, ids := 0.0, map[any]string{}
		for i, r := range tr.got() {
			for _, e := range lossEvents(t, r) {
				text, _ := json.Marshal(e)
				if first, ok := ids[e["id"]]; ok && (first != string(text) || i > before) {
					t.Errorf("%s, then %s", first, text)
				}
				ids[e["id"]] = string(text)
				if i >= before {
					lost += e["metadata"].(map[string]any)["lost"].(float64)
				}
				for _, want := range []string{`"level":"warn"`, `"dropped":{`, `"from":"2000-01-01T`, `"to":"2000-01-01T`} {
					if !strings.Contains(string(text), want) {
						t.Errorf("no %s in %s", want, text)
					}
				}
			}
		}
		if lost != 30 || len(ids) > 2 {
			t.Errorf("%d reports tell of %v lost records, want 30", len(ids), lost)
		}
		if s := tr.Stats(); s.Delivered != 5 || s.Accepted != 35 || s.Dropped.Total() != 30 {
			t.Fatalf("%+v", s)
		}
		tr.wantTakenRecords("a", "b", "c", "c", "c")
	})
}

func (tr *trial) wantTakenRecords(messages ...string) {
	tr.t.Helper()
	var got []string
	for _, m := range tr.acknowledged() {
		if m != lossMessage {
			got = append(got, m)
		}
	}
	if strings.Join(got, " ") != strings.Join(messages, " ") {
		tr.t.Fatalf("the backend took %q, want %q", got, messages)
	}
}

// A server that refuses the report gets it once; the records beside it arrive.
func TestLossRecordRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{LossRecord: true, MaxPending: 10, BatchRecords: 5})
		for i := range 30 {
			tr.say(counted(i, 1)...)
			time.Sleep(time.Second)
		}
		tr.answerWith(func(r *request) answered {
			if r.has(lossMessage) {
				return status(400)
			}
			return status(200)
		})
		tr.Flush(t.Context())
		if s := tr.Stats(); s.Delivered != 10 || s.Dropped != (Dropped{Overflow: 20}) {
			t.Fatalf("%+v", s)
		}
	})
}

// Without the option nothing is added.
func TestNoLossRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		tr.say("a")
		tr.Discard()
		tr.say("b")
		tr.Flush(t.Context())
		tr.wantTaken("b")
	})
}
