package trial

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Variable is the environment variable by which the confirmed version tells the candidate that
// it is on trial.
const Variable = "HOLDFAST_TRIAL"

// mark is the value of Variable.
type mark struct {
	ID       string        `json:"id"`
	From     string        `json:"from,omitempty"`
	Stable   string        `json:"stable"`
	Deadline time.Duration `json:"deadline_ns"`

	// Of a candidate that is the child of the confirmed version: that one's number, the
	// manager that started it, and the handles by which they speak.
	Keeper  int     `json:"keeper,omitempty"`
	Manager string  `json:"manager,omitempty"`
	In      uintptr `json:"in,omitempty"`
	Out     uintptr `json:"out,omitempty"`
}

func (r Record) mark() mark {
	return mark{ID: r.ID, From: r.From, Stable: r.Stable, Deadline: r.Deadline}
}

func (m mark) text() (string, error) {
	text, err := json.Marshal(m)
	return string(text), err
}

// A Trial is a trial as seen by the candidate. Its methods may be called by several
// goroutines. Methods without a result may be called on a nil Trial.
type Trial struct {
	mark
	exe           string      // path of what runs
	image, before os.FileInfo // what runs, what Stable led to when it began; nil: it cannot be known
	env           []string
	keptMu        sync.Mutex
	kept          []keptFile
	letGo         bool // of kept

	confirmed     chan struct{}
	confirmedOnce sync.Once
	asked         atomic.Bool
}

// candidate returns the trial of this process. A mark that cannot be decoded counts as none.
func candidate(text string) Begun {
	t := &Trial{confirmed: make(chan struct{}), env: os.Environ()}
	if err := json.Unmarshal([]byte(text), &t.mark); err != nil || t.ID() == "" || t.Stable() == "" {
		return Begun{}
	}
	host, err := t.relayed()
	if err != nil {
		return Begun{} // nobody keeps it, so it is no candidate
	}
	t.kept = keepFiles()
	t.exe, _ = os.Executable()
	t.look()
	rename(t.Stable())
	return Begun{Trial: t, Host: host}
}

// look remembers the files as they are at the beginning.
func (t *Trial) look() {
	t.image, _ = os.Stat(t.exe)
	t.before, _ = os.Stat(t.Stable())
	if t.image != nil && t.before != nil {
		_ = os.SameFile(t.image, t.before) // on Windows only this has package os find out which files they are
	}
}

// ID returns the ID of the trial.
func (t *Trial) ID() string { return t.mark.ID }

// From returns the version that was confirmed when the trial began. It may be empty.
func (t *Trial) From() string { return t.mark.From }

// Keeper returns the PID of the parent that runs the candidate as its child, and that the
// manager takes for the service. It is 0 if the manager started this process itself.
func (t *Trial) Keeper() int {
	if t == nil {
		return 0
	}
	return t.mark.Keeper
}

// Stable returns the path of the confirmed version.
func (t *Trial) Stable() string { return t.mark.Stable }

// Confirmed returns a channel that is closed when the candidate has been confirmed.
// [Trial.Watch] has to run for that.
func (t *Trial) Confirmed() <-chan struct{} { return t.confirmed }

// StopAsked records that somebody has asked the service to stop. The confirmed version does
// not take over after that.
func (t *Trial) StopAsked() {
	if t != nil {
		t.asked.Store(true)
	}
}

// Yields reports whether the confirmed version takes over if this process fails now. It does
// so in the same process or, on Windows, in the parent.
func (t *Trial) Yields() bool {
	if t == nil || t.asked.Load() {
		return false
	}
	select {
	case <-t.confirmed:
		return false
	default:
		return !t.confirmedNow()
	}
}

// watchEvery is how often a candidate checks whether it has been confirmed.
const watchEvery = 250 * time.Millisecond

// Watch returns nil when the candidate has been confirmed, ErrOver when the deadline passes
// first, and the cause of ctx's end if that comes first.
func (t *Trial) Watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if t.confirmedNow() {
			return nil
		}
		if now, err := proc.Boottime(); err != nil || now >= t.Deadline {
			return over("this version was not confirmed within its time limit")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// confirmedNow reports whether the path of the confirmed version leads to the program of this
// process. That alone is the confirmation, whatever anybody says.
func (t *Trial) confirmedNow() bool {
	now, err := os.Stat(t.Stable())
	if err != nil || t.image == nil {
		return false
	}
	same := os.SameFile(now, t.image)
	if !same && (t.before == nil || !os.SameFile(now, t.before)) && now.Size() == t.image.Size() {
		same = t.sameContent() // where there are no hard links
	}
	if same {
		t.confirmedOnce.Do(func() {
			t.letGoOfFiles()
			close(t.confirmed)
		})
	}
	return same
}

// letGoOfFiles closes the copies. Otherwise a socket that the service closes would stay open.
func (t *Trial) letGoOfFiles() {
	t.keptMu.Lock()
	defer t.keptMu.Unlock()
	closeCopies(t.kept)
	t.kept, t.letGo = nil, true
}

func (t *Trial) sameContent() bool {
	ours, err := digest(t.exe)
	if err != nil {
		return false
	}
	theirs, err := digest(t.Stable())
	return err == nil && ours == theirs
}

func digest(path string) (sum [sha256.Size]byte, err error) {
	f, err := files.OpenToRead(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	return sumOf(f)
}

func sumOf(f io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// GiveWay replaces this process by the confirmed version, with the environment and the
// descriptors that the manager provided. It returns only if that fails. On Windows it returns
// nil at once, and the confirmed version takes over when this process has ended.
func (t *Trial) GiveWay() error {
	t.keptMu.Lock()
	defer t.keptMu.Unlock()
	err := errors.New("this version is the confirmed one")
	if !t.letGo {
		err = t.giveWay()
	}
	if err != nil {
		return fmt.Errorf("hand over to %s: %w", t.Stable(), err)
	}
	return nil
}

type key struct{}

// NewContext returns a copy of ctx that carries t, or ctx itself if t is nil.
func NewContext(ctx context.Context, t *Trial) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, t)
}

// FromContext returns the trial that ctx carries, or nil.
func FromContext(ctx context.Context) *Trial {
	t, _ := ctx.Value(key{}).(*Trial)
	return t
}
