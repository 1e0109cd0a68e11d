package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// steps is the number of effects of a job.
const steps = 4

// An effect is something that a job does outside of its machine.
type effect struct {
	Key     string // idempotency key of the work
	Step    int
	Run     uint64
	Attempt int
	Command int // the process, and its keeper
	Keeper  int
}

// affect is the command of a job: it has its effects, one after the other.
func affect(url string) error {
	run, err := strconv.ParseUint(os.Getenv("JOBS_RUN_ID"), 10, 64)
	if err != nil {
		return err
	}
	attempt, err := strconv.Atoi(os.Getenv("JOBS_ATTEMPT"))
	if err != nil {
		return err
	}
	e := effect{Key: os.Getenv("JOBS_IDEMPOTENCY_KEY"), Run: run, Attempt: attempt, Command: os.Getpid(), Keeper: os.Getppid()}
	for e.Step = range steps {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		answer, err := http.Post(url, "application/json", bytes.NewReader(body)) //nolint:noctx,gosec // the keeper limits its time
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("step %d: %s", e.Step, answer.Status)
		}
	}
	return nil
}

// bare begins the keys of work whose effects are not fenced.
const bare = "bare"

// A receiver is where the jobs have their effects. It has each effect once, and refuses the
// run of a piece of work that it has seen a later run of, unless the work is bare.
type receiver struct {
	*httptest.Server

	mu      sync.Mutex
	newest  map[string]uint64 // run, by key
	had     map[string]int    // how often an effect happened, by key and step
	begun   map[string]effect // the last effect of a key that arrived
	refused int
	gates   map[string]chan struct{} // a job waits there after its first effect
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{
		newest: map[string]uint64{}, had: map[string]int{}, begun: map[string]effect{},
		gates: map[string]chan struct{}{},
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var e effect
		if err := json.NewDecoder(q.Body).Decode(&e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if !r.take(e) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		r.mu.Lock()
		gate := r.gates[e.Key]
		r.mu.Unlock()
		if gate != nil {
			select {
			case <-gate:
			case <-q.Context().Done():
			}
		}
	}))
	t.Cleanup(func() {
		r.openAll()
		r.Close()
	})
	return r
}

// take lets an effect happen, and reports whether the job may go on.
func (r *receiver) take(e effect) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := fmt.Sprintf("%s, step %d", e.Key, e.Step)
	fenced := !strings.HasPrefix(e.Key, bare)
	if fenced && e.Run < r.newest[e.Key] {
		r.refused++
		return false
	}
	r.newest[e.Key] = max(r.newest[e.Key], e.Run)
	r.begun[e.Key] = e
	if !fenced || r.had[at] == 0 {
		r.had[at]++
	}
	return true
}

// shut makes jobs with that key wait, until open.
func (r *receiver) shut(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gates[key] = make(chan struct{})
}

func (r *receiver) open(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gates[key] != nil {
		close(r.gates[key])
		delete(r.gates, key)
	}
}

func (r *receiver) openAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, gate := range r.gates {
		close(gate)
		delete(r.gates, key)
	}
}

// last returns the last effect of a key that arrived.
func (r *receiver) last(key string) effect {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun[key]
}

// late returns how many effects were refused.
func (r *receiver) late() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// killAll ends the commands that are left, and their keepers.
func (r *receiver) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, _ := os.Readlink("/proc/self/exe")
	for _, e := range r.begun {
		for _, pid := range []int{e.Keeper, e.Command} {
			if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == own {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

// happened returns how often the effects of a key happened, by step.
func (r *receiver) happened(key string) (all [steps]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range all {
		all[i] = r.had[fmt.Sprintf("%s, step %d", key, i)]
	}
	return all
}
