package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// lossMessage is the message of slogship's Options.LossRecord.
const lossMessage = "slogship: records lost"

// loss is what a record tells of those that were lost.
type loss struct {
	n            int64
	since, until int64  // ms
	why          string // a JSON object: how many by reason
}

// readLoss reads {"lost":7,"dropped":{"overflow":7},"from":...,"to":...}; nil: the
// record has the message only.
func readLoss(l *event.Log) *loss {
	at := clampMS(l.Time)
	out := loss{since: at, until: at}
	why := []byte{'{'}
	jsontext.Scalars(l.Attrs, func(path, value []byte) bool {
		text := jsontext.Text(value)
		n, err := strconv.ParseInt(text, 10, 64)
		name := string(path)
		switch reason, isReason := strings.CutPrefix(name, "dropped."); {
		case name == "from":
			out.since = lossTime(text, at)
		case name == "to":
			out.until = lossTime(text, at)
		case err != nil || n <= 0:
		case name == "lost":
			out.n = n
		case isReason && len(why) < 500:
			if len(why) > 1 {
				why = append(why, ',')
			}
			why = append(jsontext.AppendQuoted(why, reason[:min(len(reason), 50)]), ':')
			why = strconv.AppendInt(why, n, 10)
		}
		return true
	})
	if out.n == 0 {
		return nil
	}
	out.since = min(out.since, out.until)
	out.why = string(append(why, '}'))
	return &out
}

// lossTime reads RFC 3339, or a number of nanoseconds as some protocols have it.
func lossTime(text string, otherwise int64) int64 {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return clampMS(t.UnixNano())
	}
	if ns, err := strconv.ParseInt(text, 10, 64); err == nil && ns > 0 {
		return clampMS(ns)
	}
	return otherwise
}

func (w *writer) loss(id, src int64, l *loss) error {
	_, err := w.exec("INSERT OR REPLACE INTO losses VALUES (?,?,?,?,?,?)", id, src, l.n, l.since, l.until, l.why)
	return err
}

// Loss is records that a sender dropped, as it says itself.
type Loss struct {
	ID     int64          `json:"id,string"` // the key of the record that says so
	Source string         `json:"source"`
	N      int64          `json:"n"`
	From   int64          `json:"from"` // ms
	To     int64          `json:"to"`
	Why    map[string]int `json:"why"` // how many by slogship's reason
}

// maxLosses is how many losses one answer has.
const maxLosses = 200

// Losses returns what was lost between two times (ms; 0: no bound) by the sources
// of a selection, the oldest first.
func (s *Store) Losses(ctx context.Context, sel *Selection) ([]Loss, error) {
	to := sel.To
	if to == 0 {
		to = 1 << 62
	}
	where, possible := s.rollWhere(&Selection{Sources: sel.Sources, NotSources: sel.NotSources})
	list := []Loss{}
	if !possible {
		return list, nil
	}
	rows, err := s.read.QueryContext(ctx, "SELECT id, src, n, since, until, why FROM losses INDEXED BY losses_until WHERE until >= ? AND since < ?"+
		where+" ORDER BY until LIMIT "+strconv.Itoa(maxLosses), sel.From, to)
	err = each(rows, err, func() error {
		var l Loss
		var src int64
		var why string
		if err := rows.Scan(&l.ID, &src, &l.N, &l.From, &l.To, &why); err != nil {
			return err
		}
		l.Source, l.Why = s.names.name(sources, src), map[string]int{}
		jsontext.Each([]byte(why), func(key, value []byte) bool {
			l.Why[string(key)], _ = strconv.Atoi(string(value))
			return true
		})
		list = append(list, l)
		return nil
	})
	return list, err
}
