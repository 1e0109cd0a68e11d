package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// An assignment is one attempt of a run, for whoever carries it out: this process, or a
// worker, which gets it as JSON.
type assignment struct {
	ID         uint64          `json:"id"`
	Job        string          `json:"job"`
	Trigger    journal.Trigger `json:"trigger"`
	Attempt    int             `json:"attempt"`
	Term       uint64          `json:"term"` // of the primary that assigned it
	Key        string          `json:"key"`
	Command    []string        `json:"command"`
	Timeout    time.Duration   `json:"timeout_ns,omitempty"`
	Params     []byte          `json:"params,omitempty"`
	Checkpoint []byte          `json:"checkpoint,omitempty"`
	API        string          `json:"api"` // where the child saves checkpoints
	TokenFile  string          `json:"token_file,omitempty"`
	Lease      time.Duration   `json:"lease_ns,omitempty"` // for a worker
}

func (p *primary) assign(e journal.Entry, j job) assignment {
	return assignment{
		ID: e.ID, Job: e.Kind, Trigger: e.Trigger, Attempt: e.Attempt, Term: e.Term, Key: e.Key,
		Command: j.Command, Timeout: time.Duration(j.Timeout), Params: e.Params, Checkpoint: e.Checkpoint, Lease: e.Lease,
		API: p.api, TokenFile: p.config().TokenFile,
	}
}

// environment returns the environment of the child.
func (a assignment) environment() []string {
	return append(
		os.Environ(),
		"JOBS_NAME="+a.Job,
		"JOBS_RUN_ID="+strconv.FormatUint(a.ID, 10),
		"JOBS_ATTEMPT="+strconv.Itoa(a.Attempt),
		"JOBS_IDEMPOTENCY_KEY="+a.Key, // the same in each attempt and rerun
		"JOBS_TRIGGER="+string(a.Trigger),
		"JOBS_TERM="+strconv.FormatUint(a.Term, 10), // greater for a later primary
		"JOBS_PARAMS="+string(a.Params),
		"JOBS_CHECKPOINT="+string(a.Checkpoint),
		"JOBS_API="+a.API,
		"JOBS_TOKEN_FILE="+a.TokenFile,
	)
}

// An ending is the result of an attempt, which its keeper leaves in a file.
type ending struct {
	State  journal.State `json:"state"` // finished, failed, timed-out or interrupted
	Reason string        `json:"reason,omitempty"`
	// Asked means that it was interrupted on request, for example by a stop. That does not
	// count as a crash.
	Asked bool `json:"asked,omitempty"`
}

// A folder has a directory for each run, with its output and the files of its keeper.
type folder string

func (f folder) of(id uint64) string { return filepath.Join(string(f), strconv.FormatUint(id, 10)) }

const outputFile = "output"

func (f folder) output(id uint64) string { return filepath.Join(f.of(id), outputFile) }

func endingFile(attempt int) string { return fmt.Sprintf("ending-%d.json", attempt) }

// ending returns what the keeper of an attempt has left. It returns false if there is nothing,
// because the keeper was killed.
func (f folder) ending(id uint64, attempt int) (e ending, ok bool) {
	return e, readJSON(filepath.Join(f.of(id), endingFile(attempt)), &e)
}

func readJSON(path string, v any) bool {
	b, _, err := files.Read(path, files.MaxRecord)
	return err == nil && files.DecodeJSON(b, v) == nil
}
