package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/slogship/slogship/viewer/internal/query"
	"github.com/slogship/slogship/viewer/internal/store"
)

const runsPage = 50

func (a *API) runs(r *http.Request) (any, error) {
	v := r.URL.Query()
	sel := store.RunSelection{Source: v.Get("source"), Pinned: v.Get("pinned") == "1"}
	if before := v.Get("before"); before != "" {
		if n, err := fmt.Sscanf(before, "%d-%d", &sel.First, &sel.ID); n != 2 || err != nil {
			return nil, &failure{status: http.StatusBadRequest, Text: "before is what next said"}
		}
	}
	list, err := a.Store.Runs(r.Context(), sel, runsPage)
	if list == nil {
		list = []store.Run{}
	}
	answer := map[string]any{"runs": list, "sources": a.Store.Sources(), "now": a.Now().UnixMilli()}
	if len(list) == runsPage {
		last := list[runsPage-1]
		answer["next"] = fmt.Sprintf("%d-%d", last.First, last.ID)
	}
	return answer, err
}

// run is a run, with how its process was from its first record to its last.
func (a *API) run(r *http.Request) (any, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	run, err := a.Store.Run(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if run == nil {
		return nil, missing("such run: retention may have deleted it")
	}
	answer := struct {
		*store.RunDetail
		Process *store.Process `json:"process"`
	}{RunDetail: run}
	if run.Run.Sampled > 0 {
		list, err := a.Store.Processes(r.Context(), id, run.Run.First, run.Run.Last+1)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			answer.Process = &list[0]
		}
	}
	return answer, nil
}

func runID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, missing("such run")
	}
	return id, nil
}

func (a *API) pin(r *http.Request) (any, error)   { return a.setPin(r, true) }
func (a *API) unpin(r *http.Request) (any, error) { return a.setPin(r, false) }

func (a *API) setPin(r *http.Request, pinned bool) (any, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	if err = a.Store.Pin(r.Context(), id, pinned); errors.Is(err, store.ErrPinned) {
		err = &failure{status: http.StatusConflict, Text: err.Error()}
	}
	return map[string]bool{"pinned": pinned}, err
}

// processes is how the processes were that the agent reports of.
func (a *API) processes(r *http.Request) (any, error) {
	last := r.URL.Query().Get("last")
	if last == "" {
		last = "1h"
	}
	when, err := query.Parse(timeTerm(last), a.Now())
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Processes(r.Context(), 0, when.From, a.Now().UnixMilli())
	if list == nil {
		list = []store.Process{}
	}
	return map[string]any{"processes": list, "from": when.From, "to": a.Now().UnixMilli()}, err
}
