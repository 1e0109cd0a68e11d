package trial

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Variable is the variable of the environment by which the confirmed version tells
// the candidate that it is one.
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

// Trial is a trial as the candidate sees it. All methods may be called by several
// goroutines, and those without a result for a nil Trial.
type Trial struct {
	mark
	exe           string      // path of what runs
	image, before os.FileInfo // what runs, what Stable led to when it began; nil: it cannot be known
	env           []string
	kept          []keptFile

	confirmed     chan struct{}
	confirmedOnce sync.Once
	asked         atomic.Bool
}

// candidate is the trial of this process. A mark that makes no sense is none.
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

// look remembers which files there are in the beginning.
func (t *Trial) look() {
	t.image, _ = os.Stat(t.exe)
	t.before, _ = os.Stat(t.Stable())
	if t.image != nil && t.before != nil {
		_ = os.SameFile(t.image, t.before) // on Windows only this has package os find out which files they are
	}
}

// ID is the trial's.
func (t *Trial) ID() string { return t.mark.ID }

// From is the version that was confirmed when the trial began; it may be empty.
func (t *Trial) From() string { return t.mark.From }

// Keeper is the number of the process whose child the candidate is, and which the
// manager takes for the service; 0 where the candidate is that process itself.
func (t *Trial) Keeper() int {
	if t == nil {
		return 0
	}
	return t.mark.Keeper
}

// Stable is the path of the confirmed version.
func (t *Trial) Stable() string { return t.mark.Stable }

// Confirmed is closed when this process's program has become the confirmed version,
// which [Trial.Watch] finds out.
func (t *Trial) Confirmed() <-chan struct{} { return t.confirmed }

// StopAsked says that somebody has asked the service to stop: it does not take over
// from itself then.
func (t *Trial) StopAsked() {
	if t != nil {
		t.asked.Store(true)
	}
}

// Yields reports whether a life that ends now, and that nobody has asked to end,
// is followed by the confirmed version in the same process, or in that which keeps it.
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

// watchEvery is how often a candidate looks whether it has been confirmed.
const watchEvery = 250 * time.Millisecond

// Watch returns nil as soon as the candidate has been confirmed, ErrOver when the
// deadline is over before, and the cause of ctx's end if that comes first.
func (t *Trial) Watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if t.confirmedNow() {
			return nil
		}
		if now, err := proc.Boottime(); err != nil || now >= t.Deadline {
			return over("nobody confirmed this version in its time")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// confirmedNow reports whether the path of the confirmed version leads to what this
// process runs: that, and nothing that anybody says, is the confirmation.
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
		t.confirmedOnce.Do(func() { close(t.confirmed) })
	}
	return same
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

// GiveWay executes the confirmed version in this process, with the environment and
// the descriptors that the manager gave it; it only returns an error. On Windows it
// returns nil at once: the confirmed version goes on when this process has ended.
func (t *Trial) GiveWay() error {
	if err := t.giveWay(); err != nil {
		return fmt.Errorf("give way to %s: %w", t.Stable(), err)
	}
	return nil
}

type key struct{}

// NewContext is ctx with t in it; ctx itself for a nil t.
func NewContext(ctx context.Context, t *Trial) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, t)
}

// FromContext is the trial in ctx; nil if there is none.
func FromContext(ctx context.Context) *Trial {
	t, _ := ctx.Value(key{}).(*Trial)
	return t
}
