package upgrade

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// ledgerFormat is the version of the format of a [Ledger]. A reader refuses a higher
// one; fields that are added do not change it.
const ledgerFormat = 1

// Version is one version of the program.
type Version struct {
	Version string    `json:"version,omitempty"` // as it says itself
	SHA256  string    `json:"sha256"`
	Path    string    `json:"path,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when it became the confirmed one
}

// String is for people.
func (v Version) String() string {
	digest := v.SHA256
	if len(digest) > shortDigest {
		digest = digest[:shortDigest]
	}
	if v.Version == "" {
		return "the version with digest " + digest
	}
	return v.Version + " (" + digest + ")"
}

// Failure is a version that was rolled back: it is refused until somebody insists.
type Failure struct {
	Version
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Result is what an upgrade has come to.
type Result string

// The results. The empty one says that it is under way.
const (
	Confirmed   Result = "confirmed"   // the new version is the confirmed one
	Unchanged   Result = "unchanged"   // it was already
	Refused     Result = "refused"     // nothing was done to the service
	RolledBack  Result = "rolled-back" // it failed on trial, and the version before runs
	Interrupted Result = "interrupted" // whoever conducted it was killed; the confirmed version is the one before
)

// Attempt is an upgrade, or a rollback, which is one to an older version.
type Attempt struct {
	ID        string        `json:"id"`
	Service   string        `json:"service"`        // by way of which it is tried: name or name@instance
	Back      bool          `json:"back,omitempty"` // a rollback
	By        string        `json:"by"`
	Since     time.Time     `json:"since"`
	Conductor proc.Identity `json:"conductor"`
	From      Version       `json:"from"`
	To        Version       `json:"to"`
	Step      string        `json:"step"` // what it is, or was last, at

	Result Result    `json:"result,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
	// Downtime is how long no version was ready, from the request for a restart on, also
	// one of a rollback; 0: the service was not touched, or did not become ready.
	Downtime time.Duration `json:"downtime_ns,omitempty"`
	// Up means that the service is as it was before: it is ready, or was not meant to be.
	Up bool `json:"up"`
	// Tried means that the new version was on trial: not where the service was stopped.
	Tried bool `json:"tried"`
	Tries int  `json:"tries,omitempty"` // how often it was executed for that
	// Others are the other services of the program that ran, and went on with the version
	// of before, when it was confirmed.
	Others []string `json:"others,omitempty"`
	// ConfigBackup is a copy of the configuration of before the trial.
	ConfigBackup string   `json:"config_backup,omitempty"`
	Notes        []string `json:"notes,omitempty"`
}

// Ledger is what is known of the versions of one program, whichever services it is of.
type Ledger struct {
	Format    int       `json:"format"`
	Confirmed Version   `json:"confirmed"`
	Kept      []Version `json:"kept"` // older ones, the latest first
	Failed    []Failure `json:"failed"`
	Last      *Attempt  `json:"last,omitempty"` // under way, or the last one
}

// ReadLedger reads the ledger at path; a zero one where there is none.
func ReadLedger(path string) (Ledger, error) {
	content, err := files.ReadTrusted(path, files.MaxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return Ledger{}, nil
	}
	var l Ledger
	if err == nil {
		err = files.DecodeJSON(content, &l)
	}
	switch {
	case err != nil:
		return Ledger{}, fmt.Errorf("record of the versions: %w: remove it, and all versions but the installed one are forgotten", err)
	case l.Format != ledgerFormat:
		return Ledger{}, fmt.Errorf("record of the versions: %s: %w: its format is %d, and this program knows %d: use the newer one",
			path, files.ErrMalformed, l.Format, ledgerFormat)
	}
	return l, nil
}

// What others say, a candidate or the service's user, is cut off after so many bytes: a
// ledger that is too long is read by nobody.
const (
	maxText    = 2000
	maxVersion = 200
	maxNotes   = 20
)

// cut is text, at most so many bytes of it.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// bounded is l with no more of what others say than a reader takes.
func (l Ledger) bounded() Ledger {
	l.Failed = slices.Clone(l.Failed)
	for i := range l.Failed {
		l.Failed[i].Reason = cut(l.Failed[i].Reason, maxText)
	}
	if l.Last == nil {
		return l
	}
	last := *l.Last
	last.Reason = cut(last.Reason, maxText)
	last.Notes = slices.Clone(last.Notes[max(0, len(last.Notes)-maxNotes):])
	for i := range last.Notes {
		last.Notes[i] = cut(last.Notes[i], maxText)
	}
	l.Last = &last
	return l
}

// write writes l to path, durably and so that it is whole at every instant.
func (l Ledger) write(path string) error {
	l = l.bounded()
	l.Format = ledgerFormat
	content, err := json.MarshalIndent(l, "", "  ")
	if err == nil {
		err = files.MakeDir(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = files.Replace(path, append(content, '\n'), 0o644, true)
	}
	if err != nil {
		return fmt.Errorf("record of the versions: %w", err)
	}
	return nil
}

// failed is how the version with that digest failed; nil if it is not known to have.
func (l Ledger) failed(digest string) *Failure {
	i := slices.IndexFunc(l.Failed, func(f Failure) bool { return f.SHA256 == digest })
	if i < 0 {
		return nil
	}
	return &l.Failed[i]
}

// forgive forgets that a version failed.
func (l *Ledger) forgive(digest string) {
	l.Failed = slices.DeleteFunc(l.Failed, func(f Failure) bool { return f.SHA256 == digest })
}

// maxFailed is how many failures are remembered, the latest first.
const maxFailed = 20

func (l *Ledger) pin(v Version, at time.Time, reason string) {
	l.forgive(v.SHA256)
	v.Path = ""
	l.Failed = slices.Insert(l.Failed, 0, Failure{v, at, strings.TrimSpace(reason)})
	l.Failed = l.Failed[:min(len(l.Failed), maxFailed)]
}

// maxKept is how many older versions are kept.
const maxKept = 3

// confirm notes that v has taken the place of old, and returns the versions that are
// not kept any longer.
func (l *Ledger) confirm(v, old Version) (dropped []Version) {
	l.forgive(v.SHA256)
	kept := slices.DeleteFunc(l.Kept, func(k Version) bool { return k.SHA256 == v.SHA256 || k.SHA256 == old.SHA256 })
	if old.Path != "" && old.SHA256 != v.SHA256 {
		kept = slices.Insert(kept, 0, old)
	}
	n := min(len(kept), maxKept)
	l.Confirmed, l.Kept, dropped = v, kept[:n], kept[n:]
	return dropped
}
