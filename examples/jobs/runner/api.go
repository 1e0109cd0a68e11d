package runner

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

const (
	// maxBody limits the parameters and checkpoints of jobs, in bytes. Both fit into the
	// environment of a child on every system.
	maxBody = 8 << 10
	maxKey  = 200
	// listed is the number of runs in GET /v1/runs, the newest ones, if ?limit= names no
	// other.
	listed = 1000
	// byHand is the header that `jobs trigger` sends.
	byHand = "Jobs-By-Hand"
)

// A run is a run in the API.
type run struct {
	ID      uint64          `json:"id"`
	Job     string          `json:"job"`
	Trigger journal.Trigger `json:"trigger"`
	State   journal.State   `json:"state"`
	Attempt int             `json:"attempt"`
	RerunOf uint64          `json:"rerun_of"` // 0: it is no rerun
	RerunAs uint64          `json:"rerun_as,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Worker  string          `json:"worker,omitempty"`
	Key     string          `json:"idempotency_key"`
	Begun   time.Time       `json:"begun,omitzero"`
	Ended   time.Time       `json:"ended,omitzero"`
}

func runOf(e journal.Entry) run {
	return run{
		ID: e.ID, Job: e.Kind, Trigger: e.Trigger, State: e.State, Attempt: e.Attempt, RerunOf: e.RerunOf, RerunAs: e.RerunAs,
		Reason: e.Reason, Worker: e.Worker, Key: e.Key, Begun: e.Begun, Ended: e.Ended,
	}
}

// handler returns the API. Every request must have the token unless it is empty. local means
// that only this machine can reach it.
func (p *primary) handler(token string, local bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/jobs", p.listJobs)
	mux.HandleFunc("POST /v1/jobs/{name}/runs", p.postRun)
	mux.HandleFunc("GET /v1/runs", p.listRuns)
	mux.HandleFunc("GET /v1/runs/{id}", p.getRun)
	mux.HandleFunc("DELETE /v1/runs/{id}", p.deleteRun)
	mux.HandleFunc("GET /v1/runs/{id}/output", p.getOutput)
	mux.HandleFunc("PUT /v1/runs/{id}/checkpoint", p.putCheckpoint)
	p.handleWorkers(mux)
	return guarded(token, local, mux)
}

// guarded refuses requests that a web page makes a browser send, which reach this machine,
// too, and requests without the token.
func guarded(token string, local bool, next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); local && host != "localhost" && (err != nil || !addr.IsLoopback()) {
			fail(w, http.StatusForbidden, fmt.Errorf("host %q is not this machine", r.Host))
			return
		}
		if token != "" && r.Method == http.MethodGet && r.URL.Path == proofPath {
			prove(w, r, token)
			return
		}
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 0 {
			fail(w, http.StatusUnauthorized, errors.New("the token of token_file is missing or wrong"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *primary) postRun(w http.ResponseWriter, r *http.Request) {
	j, ok := p.config().find(r.PathValue("name"))
	if !ok {
		fail(w, http.StatusNotFound, fmt.Errorf("no job %q", r.PathValue("name")))
		return
	}
	params, ok := body(w, r)
	if !ok {
		return
	}
	if len(params) > 0 && !json.Valid(params) {
		fail(w, http.StatusBadRequest, errors.New("the parameters are not JSON"))
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		fail(w, http.StatusBadRequest, fmt.Errorf("Idempotency-Key of %d bytes: at most %d", len(key), maxKey))
		return
	}
	trigger := journal.API
	if r.Header.Get(byHand) != "" {
		trigger = journal.Manual
	}
	e, err := p.submit(r.Context(), j, trigger, params, key)
	if errors.Is(err, journal.ErrKnown) {
		if e.Kind != j.Name || string(e.Params) != string(params) {
			fail(w, http.StatusUnprocessableEntity, fmt.Errorf("the key %q belongs to run %d, which is other work", key, e.ID))
			return
		}
		err = nil // the same request again
	}
	if err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusAccepted, map[string]uint64{"id": e.ID})
}

// listJobs returns the timetable.
func (p *primary) listJobs(w http.ResponseWriter, _ *http.Request) {
	type shown struct {
		Name     string    `json:"name"`
		Schedule string    `json:"schedule,omitempty"`
		Next     time.Time `json:"next,omitzero"`
	}
	all := []shown{}
	for _, j := range p.config().Jobs {
		s := shown{Name: j.Name}
		if j.Schedule != nil {
			s.Schedule, s.Next = j.Schedule.text, j.Schedule.next(time.Now())
		}
		all = append(all, s)
	}
	answer(w, http.StatusOK, all)
}

func (p *primary) listRuns(w http.ResponseWriter, r *http.Request) {
	limit := listed
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 {
			fail(w, http.StatusBadRequest, fmt.Errorf("limit %q: a number, or 0 for all", text))
			return
		}
	}
	all, _, err := p.journal.List(limit)
	if err != nil {
		failed(w, err)
		return
	}
	runs := []run{}
	for _, e := range all {
		runs = append(runs, runOf(e))
	}
	answer(w, http.StatusOK, runs)
}

func (p *primary) getRun(w http.ResponseWriter, r *http.Request) {
	if e, ok := p.show(w, r); ok {
		answer(w, http.StatusOK, runOf(e))
	}
}

func (p *primary) deleteRun(w http.ResponseWriter, r *http.Request) {
	e, ok := p.show(w, r)
	if !ok {
		return
	}
	e, err := p.journal.Abort(r.Context(), e.ID)
	if err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusOK, runOf(e))
}

func (p *primary) getOutput(w http.ResponseWriter, r *http.Request) {
	e, ok := p.show(w, r)
	if !ok {
		return
	}
	b, err := os.ReadFile(p.folder.output(e.ID))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		failed(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b)
}

// putCheckpoint saves the state that a rerun gets if the run is interrupted.
func (p *primary) putCheckpoint(w http.ResponseWriter, r *http.Request) {
	e, ok := p.show(w, r)
	if !ok {
		return
	}
	state, ok := body(w, r)
	if !ok {
		return
	}
	if err := p.journal.Checkpoint(r.Context(), e.ID, state); err != nil {
		failed(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *primary) show(w http.ResponseWriter, r *http.Request) (journal.Entry, bool) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		fail(w, http.StatusNotFound, fmt.Errorf("%q is not the number of a run", r.PathValue("id")))
		return journal.Entry{}, false
	}
	e, err := p.journal.Show(id)
	if err != nil {
		failed(w, err)
		return e, false
	}
	return e, true
}

func body(w http.ResponseWriter, r *http.Request) ([]byte, bool) { return bodyOf(w, r, maxBody) }

func bodyOf(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		code := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			code = http.StatusRequestEntityTooLarge
		}
		fail(w, code, err)
		return nil, false
	}
	return b, true
}

// failed answers with the status code for an error of the journal.
func failed(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable // it may work later
	switch {
	case errors.Is(err, journal.ErrNone):
		code = http.StatusNotFound
	case errors.Is(err, journal.ErrEnded), errors.Is(err, journal.ErrNot):
		code = http.StatusConflict
	case errors.Is(err, journal.ErrTooBig):
		code = http.StatusRequestEntityTooLarge
	case errors.Is(err, journal.ErrFull):
		code = http.StatusInsufficientStorage
	}
	fail(w, code, err)
}

func fail(w http.ResponseWriter, code int, err error) {
	answer(w, code, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
