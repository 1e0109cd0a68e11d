package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

const (
	// pollFor limits how long a worker's request for work stays open.
	pollFor = 20 * time.Second
	// shortPoll is how long a worker asks for that knows several primaries.
	shortPoll = 5 * time.Second
)

// A report says how an attempt ended at a worker.
type report struct {
	ending
	// Attempt is the attempt that has ended.
	Attempt int `json:"attempt"`
	// Leftover means that the worker found the run when it was started again.
	Leftover bool `json:"leftover,omitempty"`
}

// A retry tells a worker what to do after a failure.
type retry struct {
	Again assignment    `json:"again"`
	Wait  time.Duration `json:"wait_ns"`
}

func (p *primary) handleWorkers(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/workers/{worker}/next", p.workerNext)
	mux.HandleFunc("DELETE /v1/workers/{worker}", p.workerLeft)
	mux.HandleFunc("POST /v1/workers/{worker}/runs/{id}/renew", p.workerRenew)
	mux.HandleFunc("POST /v1/workers/{worker}/runs/{id}/output", p.workerOutput)
	mux.HandleFunc("POST /v1/workers/{worker}/runs/{id}/report", p.workerReport)
}

// workerName returns the name of the worker that sends the request.
func (p *primary) workerName(w http.ResponseWriter, r *http.Request) (string, bool) {
	name := r.PathValue("worker")
	if !jobName.MatchString(name) {
		fail(w, http.StatusBadRequest, fmt.Errorf("%q is not a valid name for a worker: letters, digits, '.', '_' and '-'", name))
		return "", false
	}
	if p.workers.heard(name) {
		p.log.Info("a worker has joined", "worker", name)
	}
	return name, true
}

// workerLeft notes that a worker has stopped.
func (p *primary) workerLeft(w http.ResponseWriter, r *http.Request) {
	if name, ok := p.workerName(w, r); ok {
		p.workers.left(name)
		p.log.Info("a worker has left", "worker", name)
		w.WriteHeader(http.StatusNoContent)
	}
}

// workerNext answers with the next run.
func (p *primary) workerNext(w http.ResponseWriter, r *http.Request) {
	name, ok := p.workerName(w, r)
	if !ok {
		return
	}
	wait, err := time.ParseDuration(r.FormValue("for"))
	if err != nil || wait <= 0 || wait > pollFor {
		wait = pollFor
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	stop := context.AfterFunc(p.dispatching, cancel)
	defer stop()
	given := make(chan journal.Entry, 1)
	select {
	case p.workers.rooms <- room{ctx, given}:
	case <-ctx.Done():
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e, ok := <-given
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a, err := p.hand(e, name)
	if err != nil {
		p.log.Error("a run cannot be assigned to a worker", "run", e.ID, "worker", name, "error", err)
		failed(w, err)
		return
	}
	// If the answer does not arrive, the lease expires.
	answer(w, http.StatusOK, a)
}

// hand assigns a run to a worker. It need not check whether the request is still open, because
// the lease decides.
func (p *primary) hand(e journal.Entry, worker string) (a assignment, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	j, known := p.config().find(e.Kind)
	if !known {
		p.conclude(ctx, e, j, ending{State: journal.Failed, Reason: "the timetable no longer has such a job"})
		return a, fmt.Errorf("run %d: the timetable has no job %q: %w", e.ID, e.Kind, journal.ErrEnded)
	}
	e.Lease = time.Duration(p.config().Lease)
	if err := p.journal.Assign(ctx, e.ID, worker, e.Lease); err != nil {
		if !errors.Is(err, journal.ErrEnded) {
			p.conclude(ctx, e, j, ending{State: journal.Interrupted, Reason: err.Error(), Asked: true})
		}
		return a, err
	}
	p.log.Info("run begins", "run", e.ID, "job", e.Kind, "trigger", e.Trigger, "attempt", e.Attempt, "worker", worker, "rerun_of", e.RerunOf, "why", p.why(e))
	return p.assign(e, j), nil
}

// workerRenew renews a lease. 409 means that the run no longer belongs to the worker.
func (p *primary) workerRenew(w http.ResponseWriter, r *http.Request) {
	name, ok := p.workerName(w, r)
	if !ok {
		return
	}
	e, ok := p.show(w, r)
	if !ok {
		return
	}
	if err := p.journal.Renew(e.ID, name); err != nil {
		failed(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *primary) workerOutput(w http.ResponseWriter, r *http.Request) {
	e, ok := p.own(w, r)
	if !ok {
		return
	}
	b, ok := bodyOf(w, r, maxOutput)
	if !ok {
		return
	}
	err := files.MakeDir(p.folder.of(e.ID), 0o700)
	if err == nil {
		err = files.Replace(p.folder.output(e.ID), b, 0o600, false)
	}
	if err != nil {
		failed(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// own returns the run if it belongs to the worker that sends the request.
func (p *primary) own(w http.ResponseWriter, r *http.Request) (journal.Entry, bool) {
	name, ok := p.workerName(w, r)
	if !ok {
		return journal.Entry{}, false
	}
	e, ok := p.show(w, r)
	if ok && (e.State != journal.Begun || e.Worker != name) {
		fail(w, http.StatusConflict, fmt.Errorf("run %d is not worker %q's: %s", e.ID, name, e.State))
		return e, false
	}
	return e, ok
}

// workerReport records the outcome of an attempt. 200 comes with an attempt to retry.
func (p *primary) workerReport(w http.ResponseWriter, r *http.Request) {
	e, ok := p.own(w, r)
	if !ok {
		p.log.Info("a worker's report does not count: the run no longer belongs to it", "worker", r.PathValue("worker"), "run", r.PathValue("id"))
		return
	}
	b, ok := body(w, r)
	if !ok {
		return
	}
	var rep report
	if err := json.Unmarshal(b, &rep); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if rep.Leftover {
		p.log.Warn("a worker found a run that was left over when it was interrupted", "run", e.ID, "job", e.Kind, "worker", e.Worker, "state", rep.State)
	}
	j, _ := p.config().find(e.Kind)
	if rep.Attempt != 0 && rep.Attempt < e.Attempt { // said before, and the answer was lost
		answer(w, http.StatusOK, retry{p.assign(e, j), j.pause(e.Failures)})
		return
	}
	again, wait, err := p.settle(e, j, rep.ending)
	if again == nil {
		p.refresh(e.Kind, e.ID)
		p.journal.Wake()
	}
	switch {
	case err != nil:
		failed(w, err)
	case again != nil:
		answer(w, http.StatusOK, retry{p.assign(*again, j), wait})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
