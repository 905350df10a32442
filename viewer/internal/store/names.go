package store

import (
	"database/sql"
	"fmt"
	"maps"
	"sync"
)

// kind is a table of names.
type kind int

const (
	sources kind = iota
	templates
	spanNames
	routes
	kinds
)

var nameTables = [kinds]string{"sources", "templates", "spannames", "routes"}

// maxNames bounds each table: a sender that makes a name of every record must not
// make the tables grow without end. What is new beyond it is kept under otherName.
var maxNames = [kinds]int{2_000, 50_000, 20_000, 5_000}

const otherName = "(other)"

// names is what is in the tables of names. Names that the writer adds before it
// commits are seen by readers a little early, which shows as no rows.
type names struct {
	mu   sync.RWMutex // guards what follows
	ids  [kinds]map[string]int64
	text [kinds]map[int64]string
}

func newNames() *names {
	n := &names{}
	for k := range kinds {
		n.ids[k], n.text[k] = map[string]int64{}, map[int64]string{}
	}
	return n
}

// load reads all names. The writer does so at its start and after a rollback.
func (n *names) load(db queryer) error {
	fresh := newNames()
	for k := range kinds {
		rows, err := db.Query("SELECT id, name FROM " + nameTables[k])
		if err := each(rows, err, func() error {
			var id int64
			var name string
			err := rows.Scan(&id, &name)
			fresh.ids[k][name], fresh.text[k][id] = id, name
			return err
		}); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids, n.text = fresh.ids, fresh.text
	return nil
}

type queryer interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// id finds a name's number.
func (n *names) id(k kind, name string) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.ids[k][name]
	return id, ok
}

// name finds a number's name.
func (n *names) name(k kind, id int64) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.text[k][id]
}

// all returns the names of a kind, with their numbers.
func (n *names) all(k kind) map[int64]string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return maps.Clone(n.text[k])
}

// add is the writer's: it makes a number for the name where there is none yet.
func (n *names) add(w *writer, k kind, name string) (int64, error) {
	if id, ok := n.id(k, name); ok {
		return id, nil
	}
	n.mu.RLock()
	full := len(n.ids[k]) >= maxNames[k]
	n.mu.RUnlock()
	if full && name != otherName {
		return n.add(w, k, otherName)
	}
	result, err := w.exec(fmt.Sprintf("INSERT INTO %s(name) VALUES (?)", nameTables[k]), name)
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids[k][name], n.text[k][id] = id, name
	return id, nil
}
