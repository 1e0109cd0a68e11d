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

// ledgerFormat is the version of the format of a [Ledger]. Readers refuse any other. New
// fields do not change it.
const ledgerFormat = 1

// A Version is one version of the program.
type Version struct {
	Version string    `json:"version,omitempty"` // as the program reports it
	SHA256  string    `json:"sha256"`
	Path    string    `json:"path,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when it was confirmed
}

// String describes the version for people.
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

// A Failure is a version that was rolled back. It is refused unless the user insists.
type Failure struct {
	Version
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// A Result is the outcome of an upgrade.
type Result string

// The results. The empty result means that the upgrade is in progress.
const (
	Confirmed   Result = "confirmed"   // the new version is confirmed
	Unchanged   Result = "unchanged"   // it was the confirmed version already
	Refused     Result = "refused"     // the service was not touched
	RolledBack  Result = "rolled-back" // the trial failed, and the previous version runs
	Interrupted Result = "interrupted" // it ended without a failure of the new version, which is not confirmed
)

// An Attempt is an upgrade, or a rollback, which is an upgrade to an older version.
type Attempt struct {
	ID        string        `json:"id"`
	Service   string        `json:"service"`        // the service used for the trial: name or name@instance
	Back      bool          `json:"back,omitempty"` // a rollback
	By        string        `json:"by"`
	Since     time.Time     `json:"since"`
	Conductor proc.Identity `json:"conductor"`
	From      Version       `json:"from"`
	To        Version       `json:"to"`
	Step      string        `json:"step"` // the current step, or the last one

	Result Result    `json:"result,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
	// Downtime is the time in which no version was ready, counted from a request to restart,
	// or to roll back. It is 0 if the service was not touched, or did not become ready.
	Downtime time.Duration `json:"downtime_ns,omitempty"`
	// Up means that the service is as it was before: it is ready, or was not meant to run.
	Up bool `json:"up"`
	// Tried means that the new version was on trial. A stopped service has no trial.
	Tried bool `json:"tried"`
	Tries int  `json:"tries,omitempty"` // how often it was executed in the trial
	// Others are the other services of the program that ran at the time of the confirmation.
	// They continue to run the previous version.
	Others []string `json:"others,omitempty"`
	// ConfigBackup is the path of a copy of the configuration, made before the trial.
	ConfigBackup string   `json:"config_backup,omitempty"`
	Notes        []string `json:"notes,omitempty"`
}

// A Ledger records the versions of one program, which may belong to several services.
type Ledger struct {
	Format    int       `json:"format"`
	Confirmed Version   `json:"confirmed"`
	Kept      []Version `json:"kept"` // older versions, the latest first
	Failed    []Failure `json:"failed"`
	Last      *Attempt  `json:"last,omitempty"` // the current or the last upgrade
}

// ReadLedger reads the ledger at path. It returns a zero Ledger if there is none.
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
		return Ledger{}, fmt.Errorf("record of the versions: %w: remove it; all versions except the installed one are then forgotten", err)
	case l.Format != ledgerFormat:
		return Ledger{}, fmt.Errorf("record of the versions: %s: %w: its format is %d, and this program knows %d: use the newer program",
			path, files.ErrMalformed, l.Format, ledgerFormat)
	}
	return l, nil
}

// Text from candidates and from the service's user is cut off after so many bytes, and only
// the last maxNotes notes are kept. A ledger that is too long could no longer be read.
const (
	maxText    = 2000
	maxVersion = 200
	maxNotes   = 20
)

// cut returns text. If that is longer than most bytes, it returns the beginning and "...".
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// bounded returns l with its foreign text cut off, so that a reader accepts it.
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

// write writes l to path, durably and atomically.
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

// failed returns the failure of the version with that digest, or nil if none is known.
func (l Ledger) failed(digest string) *Failure {
	i := slices.IndexFunc(l.Failed, func(f Failure) bool { return f.SHA256 == digest })
	if i < 0 {
		return nil
	}
	return &l.Failed[i]
}

// forgive removes the failure of a version.
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

// confirm records that v has replaced old, and returns the versions that are no longer kept.
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
