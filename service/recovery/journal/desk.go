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
)

// Request is what an operator's command asks of a journal.
type Request struct {
	Verb  string `json:"verb"` // list, show, rerun, abort or release
	ID    uint64 `json:"id,omitempty"`
	Limit int    `json:"limit,omitempty"` // of list
}

// Answer is what becomes of it.
type Answer struct {
	Entries []Entry  `json:"entries"`
	Damaged int      `json:"damaged,omitempty"` // entries that cannot be read
	Aside   []string `json:"set_aside,omitempty"`
	Error   string   `json:"error,omitempty"`
	Class   string   `json:"class,omitempty"` // which of our errors it is
}

// Do does what r says.
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
	// An answer that nobody has taken for so long is nobody's.
	answerKept = time.Minute
)

func deskOf(path string) string { return path + ".desk" }

// desk is a directory in which commands ask a running service: only its user and the
// administrator can write there.
type desk struct {
	j    *Journal
	dir  string
	path string
	down bool // there is none
}

func newDesk(j *Journal, path string) *desk {
	d := &desk{j: j, dir: deskOf(path), path: path}
	if err := files.MakeDir(d.dir, 0o700); err != nil {
		j.log.Warn("commands cannot ask for the work that is under way", "error", err)
		d.down = true
		return d
	}
	d.clear(func(fs.FileInfo) bool { return true }) // who asked an earlier run does not wait any more
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

// answer deals with what was asked since.
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
			continue // taken back, or planted
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
	a.Aside = AsideOf(d.path)
	if err != nil {
		a.Error, a.Class = err.Error(), class(err)
	}
	return a
}

// The errors that a command tells apart.
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

// answered is an error that comes from the service.
type answered struct {
	text string
	is   error
}

func (a answered) Error() string { return a.text }
func (a answered) Unwrap() error { return a.is }

// Ask does what r says with the journal at path, be its service up or down. It waits for a
// service that is up until ctx ends. The error wraps ErrNone and ErrNot as the methods'
// does, and fs.ErrNotExist if there is no journal.
func Ask(ctx context.Context, path string, r Request) (Answer, error) {
	j, err := OpenStopped(path)
	if errors.Is(err, ErrLocked) {
		return askRunning(ctx, path, r)
	}
	if err != nil {
		return Answer{Aside: AsideOf(path)}, err
	}
	return j.last(ctx, path, r)
}

// last does what r says, and closes the journal.
func (j *Journal) last(ctx context.Context, path string, r Request) (Answer, error) {
	a, err := j.Do(ctx, r)
	a.Aside = AsideOf(path)
	return a, errors.Join(err, j.Close())
}

// How often a command that waits for an answer looks whether the journal is free by now.
const lockedTicks = 25

func askRunning(ctx context.Context, path string, r Request) (Answer, error) {
	name := filepath.Join(deskOf(path), strconv.FormatUint(rand.Uint64(), 36)) //nolint:gosec // it need not be secret, only another
	// The service may run as another user; nobody else gets into the directory.
	if err := files.ReplaceJSON(name+askedSuffix, r, 0o644, false); err != nil {
		return Answer{}, fmt.Errorf("ask the service: %w", err)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		if n%lockedTicks == 0 { // perhaps it was another command that had it, or the service has gone
			if j, err := OpenStopped(path); err == nil {
				if files.Remove(name+askedSuffix) != nil {
					return Answer{}, errors.Join(fmt.Errorf("ask the service: it ended meanwhile: %w", ErrUnknown), j.Close())
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
			// Only what it has not taken can be taken back.
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
