package installer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// journalFormat is the version of the journal's format. A newer one is refused.
const journalFormat = 1

// maxJournal is the largest journal that is read, in bytes. A journal contains whole
// definition files.
const maxJournal = 64 << 20

// journalMode is strict, because a journal has commands that root runs and files that may be
// secret.
const journalMode fs.FileMode = 0o600

// A record is the content of a journal: who changes the machine, and the steps that undo the
// change or, if Forth is set, finish it.
type record struct {
	Format int `json:"format"`
	Actor
	Back  []entry    `json:"back,omitempty"` // in the order in which it was noted
	Forth []jsonStep `json:"forth,omitempty"`

	written bool
}

// An entry has the steps that undo one step.
type entry struct {
	Describe string     `json:"describe"` // the step
	Steps    []jsonStep `json:"steps"`
}

// An Actor is the process that changes an installation, and its user.
type Actor struct {
	Verb  string    `json:"verb"` // "install"
	PID   int       `json:"pid"`
	User  string    `json:"user"`
	Since time.Time `json:"since"`
}

// String describes the actor for people.
func (a Actor) String() string {
	return fmt.Sprintf("%s, pid %d, user %s, since %s", a.Verb, a.PID, a.User, a.Since.Local().Format(time.DateTime))
}

func actor(verb string) Actor {
	a := Actor{Verb: verb, PID: os.Getpid(), User: strconv.Itoa(os.Getuid()), Since: time.Now().Round(0)}
	if u, err := user.Current(); err == nil {
		a.User = u.Username
	}
	return a
}

func newRecord(verb string) record { return record{Format: journalFormat, Actor: actor(verb)} }

// A jsonStep is a step in the form of the journal. Its payload stays raw JSON.
type jsonStep struct {
	Kind     platform.StepKind `json:"kind"`
	Describe string            `json:"describe,omitempty"`
	Path     string            `json:"path,omitempty"`
	Source   string            `json:"source,omitempty"`
	Mode     fs.FileMode       `json:"mode,omitempty"`
	Content  []byte            `json:"content,omitempty"`
	Owner    *platform.Owner   `json:"owner,omitempty"`
	Argv     []string          `json:"argv,omitempty"`
	MayFail  bool              `json:"may_fail,omitempty"`
	Until    int               `json:"until,omitempty"`
	Within   time.Duration     `json:"within_ns,omitempty"`
	Payload  any               `json:"payload,omitempty"`
}

func toJSON(steps []platform.Step) []jsonStep {
	all := make([]jsonStep, 0, len(steps))
	for _, s := range steps {
		all = append(all, jsonStep{
			s.Kind, s.Describe, s.Path, s.Source, s.Mode, s.Content, s.Owner, s.Argv, s.MayFail, s.Until, s.Within, s.Payload,
		})
	}
	return all
}

func fromJSON(all []jsonStep) []platform.Step {
	steps := make([]platform.Step, 0, len(all))
	for _, j := range all {
		steps = append(steps, platform.Step{
			Kind: j.Kind, Describe: j.Describe, Path: j.Path, Source: j.Source, Mode: j.Mode, Content: j.Content, Owner: j.Owner,
			Argv: j.Argv, MayFail: j.MayFail, Until: j.Until, Within: j.Within, Payload: j.Payload,
		})
	}
	return steps
}

// UnmarshalJSON leaves the payload raw. Whoever carries out that kind of step decodes it.
func (j *jsonStep) UnmarshalJSON(content []byte) error {
	type plain jsonStep
	p := plain{Payload: &json.RawMessage{}}
	if err := json.Unmarshal(content, &p); err != nil {
		return err
	}
	if raw, ok := p.Payload.(*json.RawMessage); ok {
		p.Payload = *raw
		if len(*raw) == 0 {
			p.Payload = nil
		}
	}
	*j = jsonStep(p)
	return nil
}

// write makes the journal of the transaction durable.
func (t *Transaction) write() error {
	if t.job.Journal == "" {
		return nil
	}
	err := writeJournal(t.sys, t.job.Journal, &t.r)
	if err == nil {
		t.r.written = true
	}
	return err
}

func writeJournal(sys platform.System, path string, r *record) error {
	content, err := json.Marshal(r)
	if err == nil {
		err = sys.WriteFile(path, append(content, '\n'), journalMode)
	}
	if err != nil {
		return fmt.Errorf("journal of the installation: %w", err)
	}
	return nil
}

func removeJournal(sys platform.System, path string) error {
	if err := absentIsFine(sys.Remove(path)); err != nil {
		return fmt.Errorf("journal of the installation: %w", err)
	}
	return nil
}

// readJournal reads a journal that nobody but its owner can have written. The error wraps
// fs.ErrNotExist if there is none.
func readJournal(path string) (record, error) {
	fail := func(err error) (record, error) { return record{}, fmt.Errorf("journal of the installation: %w", err) }
	content, err := files.ReadTrusted(path, maxJournal)
	if err != nil {
		return fail(err)
	}
	r := record{written: true}
	switch err := files.DecodeJSON(content, &r); {
	case err != nil:
		return fail(fmt.Errorf("%s: %w: remove it, and undo the interrupted change by hand", path, err))
	case r.Format > journalFormat || r.Format < 1:
		return fail(fmt.Errorf("%s: %w: its format is %d, and this program knows %d: use the newer program",
			path, files.ErrMalformed, r.Format, journalFormat))
	}
	return r, nil
}

// Pending describes a transaction that was interrupted.
type Pending struct {
	Actor
	Step  string // at which it did
	Forth bool   // it is finished by the next one, and not taken back
}

func (r record) pending() *Pending {
	p := &Pending{Actor: r.Actor, Forth: r.Forth != nil}
	switch {
	case p.Forth && len(r.Forth) > 0:
		p.Step = r.Forth[0].Describe
	case len(r.Back) > 0:
		p.Step = r.Back[len(r.Back)-1].Describe
	}
	return p
}

// Interrupted returns the transaction whose journal is at path, or nil if there is none. A
// caller without the [Lock] cannot tell whether that transaction is still running.
func Interrupted(path string) (*Pending, error) {
	r, err := readJournal(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, err
	}
	return r.pending(), nil
}

// Resume finishes or rolls back the transaction whose journal is at path, if there is one. The
// caller holds the [Lock], so the process that began the transaction is dead. Resume returns a
// description of the transaction, even with an error. The error says which steps failed; they
// stay in the journal for the next call.
func Resume(ctx context.Context, sys platform.System, path string, report Report) (*Pending, error) {
	if report == nil {
		report = func(platform.Step, error) {}
	}
	// What a write that was killed has left is no journal.
	if err := absentIsFine(sys.Remove(files.Temporary(path))); err != nil {
		return nil, fmt.Errorf("journal of the installation: %w", err)
	}
	r, err := readJournal(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, err
	}
	p := r.pending()
	job := Job{Journal: path, Verb: r.Verb, Report: report}
	if r.Forth == nil {
		return p, takeBack(ctx, sys, job, &r)
	}
	t := &Transaction{sys: sys, job: job, r: r}
	if err := t.finish(ctx, fromJSON(r.Forth)); err != nil {
		return p, err
	}
	return p, t.Commit(ctx)
}
