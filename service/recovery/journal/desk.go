package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A Request is what an operator's command asks a journal to do.
type Request struct {
	Verb  string `json:"verb"` // list, show, rerun, abort or release
	ID    uint64 `json:"id,omitempty"`
	Limit int    `json:"limit,omitempty"` // for list
}

// An Answer is the result of a Request.
type Answer struct {
	Entries []Entry  `json:"entries"`
	Damaged int      `json:"damaged,omitempty"` // entries that cannot be read
	Aside   []string `json:"set_aside,omitempty"`
	Error   string   `json:"error,omitempty"`
	Class   string   `json:"class,omitempty"` // which of the journal's errors Error is
}

// Do carries out r.
func (j *Journal) Do(ctx context.Context, r Request) (a Answer, err error) {
	var e Entry
	switch r.Verb {
	case "list":
		a.Entries, a.Damaged, err = j.List(r.Limit)
		return a, err
	case "show":
		e, err = j.Show(r.ID)
	case "rerun":
		e, err = j.Rerun(ctx, r.ID)
	case "abort":
		e, err = j.Abort(ctx, r.ID)
	case "release":
		e, err = j.Release(ctx, r.ID)
	default:
		err = fmt.Errorf("%q: %w", r.Verb, errors.ErrUnsupported)
	}
	if err == nil {
		a.Entries = []Entry{e}
	}
	return a, err
}

const (
	askedSuffix    = ".request"
	answeredSuffix = ".answer"
	maxAnswer      = 64 << 20
	// answerKept limits how long an answer is kept that nobody fetches.
	answerKept = time.Minute
)

func deskOf(path string) string { return path + ".desk" }

// A desk is a directory through which commands send requests to a running service. Only the
// service's user and the administrator can write to it.
type desk struct {
	j    *Journal
	dir  string
	path string
	down bool // there is no directory
}

func newDesk(j *Journal, path string) *desk {
	d := &desk{j: j, dir: deskOf(path), path: path}
	if err := files.MakeDir(d.dir, 0o700); err != nil {
		j.log.Warn("commands cannot query the work in progress", "error", err)
		d.down = true
		return d
	}
	d.clear(func(fs.FileInfo) bool { return true }) // nobody waits for an answer of an earlier run any more
	return d
}

func (d *desk) clear(which func(fs.FileInfo) bool) {
	all, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	for _, x := range all {
		if info, err := x.Info(); err == nil && which(info) {
			_ = files.Remove(filepath.Join(d.dir, x.Name()))
		}
	}
}

// answer answers the requests that have arrived.
func (d *desk) answer(ctx context.Context) {
	if d.down {
		return
	}
	all, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	for _, x := range all {
		name, ok := strings.CutSuffix(x.Name(), askedSuffix)
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		asked := filepath.Join(d.dir, x.Name())
		content, _, err := files.Read(asked, files.MaxRecord)
		if e := files.Remove(asked); err != nil || e != nil {
			continue // withdrawn, or planted by somebody else
		}
		_ = files.ReplaceJSON(filepath.Join(d.dir, name+answeredSuffix), d.deal(ctx, content), 0o600, false)
	}
	d.clear(func(info fs.FileInfo) bool { return time.Since(info.ModTime()) > answerKept })
}

func (d *desk) deal(ctx context.Context, content []byte) Answer {
	var r Request
	err := files.DecodeJSON(content, &r)
	var a Answer
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		a, err = d.j.Do(ctx, r)
	}
	a.Aside = recovery.AsideOf(d.path)
	if err != nil {
		a.Error, a.Class = err.Error(), class(err)
	}
	return a
}

// classes returns the errors that commands distinguish, by name.
func classes() map[string]error {
	return map[string]error{"none": ErrNone, "not": ErrNot, "superseded": ErrSuperseded, "newer": ErrNewer, "damaged": ErrDamaged}
}

func class(err error) string {
	for name, x := range classes() {
		if errors.Is(err, x) {
			return name
		}
	}
	return ""
}

// An answered is an error that the service has sent.
type answered struct {
	text string
	is   error
}

func (a answered) Error() string { return a.text }
func (a answered) Unwrap() error { return a.is }

// Ask carries out r on the journal at path, whether its service is running or not. It waits
// until ctx ends for the answer of a running service. The error wraps ErrNone and ErrNot like
// those of the methods, and fs.ErrNotExist if there is no journal.
func Ask(ctx context.Context, path string, r Request) (Answer, error) {
	j, err := openStopped(path)
	if errors.Is(err, ErrLocked) {
		return askRunning(ctx, path, r)
	}
	if err != nil {
		return Answer{Aside: recovery.AsideOf(path)}, err
	}
	return j.last(ctx, path, r)
}

// last carries out r and closes the journal.
func (j *Journal) last(ctx context.Context, path string, r Request) (Answer, error) {
	a, err := j.Do(ctx, r)
	a.Aside = recovery.AsideOf(path)
	return a, errors.Join(err, j.Close())
}

// lockedTicks is the number of polls for an answer between two checks whether the journal is
// free.
const lockedTicks = 25

func askRunning(ctx context.Context, path string, r Request) (Answer, error) {
	name := filepath.Join(deskOf(path), strconv.FormatUint(rand.Uint64(), 36)) //nolint:gosec // it must be unique, not secret
	// The service may run as another user. Nobody else can enter the directory.
	if err := files.ReplaceJSON(name+askedSuffix, r, 0o644, false); err != nil {
		return Answer{}, fmt.Errorf("ask the service: %w", err)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		if n%lockedTicks == 0 { // perhaps another command had it open, or the service has ended
			if j, err := openStopped(path); err == nil {
				if files.Remove(name+askedSuffix) != nil {
					return Answer{}, errors.Join(fmt.Errorf("ask the service: it ended in the meantime: %w", ErrUnknown), j.Close())
				}
				return j.last(ctx, path, r)
			}
		}
		b, _, err := files.Read(name+answeredSuffix, maxAnswer)
		if err == nil {
			_ = files.Remove(name + answeredSuffix)
			return understood(b)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Answer{}, fmt.Errorf("ask the service: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			// Only a request that the service has not read can be withdrawn.
			if e := files.Remove(name + askedSuffix); e != nil {
				return Answer{}, fmt.Errorf("ask the service: %w: %w", ErrUnknown, context.Cause(ctx))
			}
			return Answer{}, fmt.Errorf("ask the service: it has the journal and does not answer: %w", context.Cause(ctx))
		}
	}
}

func understood(b []byte) (a Answer, err error) {
	if err := files.DecodeJSON(b, &a); err != nil {
		return a, fmt.Errorf("ask the service: %w", err)
	}
	if a.Error != "" {
		err = answered{a.Error, classes()[a.Class]}
	}
	return a, err
}

func sorted(byID map[uint64]Entry) []Entry {
	var all []Entry
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, byID[id])
	}
	return all
}
