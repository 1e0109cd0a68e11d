package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// assignment is one attempt of a run, as whoever makes it needs it: this process, or a
// worker, which gets it as JSON.
type assignment struct {
	ID         uint64          `json:"id"`
	Job        string          `json:"job"`
	Trigger    journal.Trigger `json:"trigger"`
	Attempt    int             `json:"attempt"`
	Term       uint64          `json:"term"` // of the primary that gave it
	Key        string          `json:"key"`
	Command    []string        `json:"command"`
	Timeout    time.Duration   `json:"timeout_ns,omitempty"`
	Params     []byte          `json:"params,omitempty"`
	Checkpoint []byte          `json:"checkpoint,omitempty"`
	API        string          `json:"api"` // where the child saves checkpoints
	TokenFile  string          `json:"token_file,omitempty"`
	Lease      time.Duration   `json:"lease_ns,omitempty"` // of a worker
}

func (p *primary) assign(e journal.Entry, j job) assignment {
	return assignment{
		ID: e.ID, Job: e.Kind, Trigger: e.Trigger, Attempt: e.Attempt, Term: e.Term, Key: e.Key,
		Command: j.Command, Timeout: time.Duration(j.Timeout), Params: e.Params, Checkpoint: e.Checkpoint, Lease: e.Lease,
		API: p.api, TokenFile: p.config().TokenFile,
	}
}

// environment is what the child finds in its environment.
func (a assignment) environment() []string {
	return append(
		os.Environ(),
		"JOBS_NAME="+a.Job,
		"JOBS_RUN_ID="+strconv.FormatUint(a.ID, 10),
		"JOBS_ATTEMPT="+strconv.Itoa(a.Attempt),
		"JOBS_IDEMPOTENCY_KEY="+a.Key, // the same in each attempt and rerun
		"JOBS_TRIGGER="+string(a.Trigger),
		"JOBS_TERM="+strconv.FormatUint(a.Term, 10), // what a later primary gives is greater
		"JOBS_PARAMS="+string(a.Params),
		"JOBS_CHECKPOINT="+string(a.Checkpoint),
		"JOBS_API="+a.API,
		"JOBS_TOKEN_FILE="+a.TokenFile,
	)
}

// ending is how an attempt ended, as its keeper leaves it behind.
type ending struct {
	State  journal.State `json:"state"` // finished, failed, timed-out or interrupted
	Reason string        `json:"reason,omitempty"`
	// Asked: it was interrupted because somebody asked for it, by a stop for one. It counts as no crash.
	Asked bool `json:"asked,omitempty"`
}

// folder is where the output of runs is, and what keepers leave: a directory for each run.
type folder string

func (f folder) of(id uint64) string { return filepath.Join(string(f), strconv.FormatUint(id, 10)) }

const outputFile = "output"

func (f folder) output(id uint64) string { return filepath.Join(f.of(id), outputFile) }

func endingFile(attempt int) string { return fmt.Sprintf("ending-%d.json", attempt) }

// ending is what the keeper of an attempt has left. False: nothing, so it was killed.
func (f folder) ending(id uint64, attempt int) (e ending, ok bool) {
	return e, readJSON(filepath.Join(f.of(id), endingFile(attempt)), &e)
}

func readJSON(path string, v any) bool {
	b, _, err := files.Read(path, files.MaxRecord)
	return err == nil && files.DecodeJSON(b, v) == nil
}
