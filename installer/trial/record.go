// Package trial lets a candidate run in place of the confirmed version of a program for a
// limited time. The confirmed version takes over again whatever happens to the candidate.
//
// The path that a manager starts always leads to a confirmed version. During a trial there is
// a [Record]. It is written by somebody who may replace the program, in a directory that is
// emptied by a reboot, and it names the boot as well. The confirmed version's `run` begins
// with [Begin], which reads the record, counts the try durably, and executes the candidate in
// the same process, with the same arguments and environment. If anything is wrong with the
// record, the count or the candidate, the trial ends, and the confirmed version starts as
// usual.
//
// The candidate depends on nobody. If it fails, or if the deadline passes before the confirmed
// path leads to the candidate, it executes the confirmed version in its own process. So the
// upgrade command may die without harm.
//
// The service's user writes the count of tries, and nothing else. With it the user can end a
// trial, or prolong it up to its deadline, but cannot have another program executed.
//
// # Windows notes
//
// Windows cannot execute another program in the same process. The confirmed version remains
// the process that the service control manager has started, and runs the candidate as its
// child. It forwards the manager's controls to the child, and the child's reports to the
// manager. When the child ends, the confirmed version runs as the service itself, and the
// manager notices nothing. It does not do so if the service was asked to stop, or if the child
// was confirmed. A job object ends the child with its parent. So the confirmed version, too,
// ends the trial: at the deadline, and when the record is gone.
//
// A reboot empties no directory, so the record names the boot by a volatile key of the
// registry. Access lists decide what may be believed: only SYSTEM and the administrators may
// be able to write the record, the candidate and their directories. The candidate is kept open
// from before its digest is compared until it runs, so that nobody can change, replace or
// rename it.
package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Format is the version of the format of a [Record]. A reader treats a record of another
// format as the end of the trial.
const Format = 1

// A Record describes the trial that is running.
type Record struct {
	Format  int    `json:"format"`
	ID      string `json:"id"`      // of the trial
	Service string `json:"service"` // name or name@instance
	// Manager is the manager whose starts of the service count as tries, as native.Starter
	// names it. A start by hand is no try. If Manager is empty, every start is one.
	Manager string `json:"manager,omitempty"`

	Candidate string `json:"candidate"` // absolute path
	Device    uint64 `json:"device"`
	Inode     uint64 `json:"inode"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Version   string `json:"version,omitempty"` // of the candidate
	From      string `json:"from,omitempty"`    // of the confirmed version

	Stable string `json:"stable"` // path of the confirmed version
	// Boots are the names by which processes know this boot. A service in a container may know
	// another name than the process that began the trial.
	Boots     []string      `json:"boots"`
	Deadline  time.Duration `json:"deadline_ns"` // by proc.Boottime
	Tries     int           `json:"tries"`       // how often the candidate may be executed
	TriesFile string        `json:"tries_file"`  // where the service's user counts them

	Since time.Time `json:"since"`
	By    string    `json:"by"` // who began it, for people
}

// ErrOver means that a record, or the candidate that it names, must not be used (any more).
var ErrOver = errors.New("the trial is over")

func over(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrOver, fmt.Errorf(format, args...))
}

// maxRecord is the largest record that is read, in bytes.
const maxRecord = 64 << 10

// Read reads the record at path. It accepts only a record and a directory that belong to root
// (or, if own is set, to the user of this process) and that nobody else can write. The error
// wraps fs.ErrNotExist if there is none.
func Read(path string, own bool) (Record, error) {
	f, err := files.OpenToRead(path)
	if err != nil {
		return Record{}, fmt.Errorf("record of the trial: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = files.Owned(path, info, own)
	}
	if err == nil {
		err = ownedDir(filepath.Dir(path), own)
	}
	if err == nil && info.Size() > maxRecord {
		err = fmt.Errorf("%s: %w: it is longer than %d bytes", path, files.ErrMalformed, maxRecord)
	}
	var r Record
	if err == nil {
		content := make([]byte, info.Size())
		var n int
		if n, err = f.ReadAt(content, 0); n == len(content) {
			err = files.DecodeJSON(content, &r)
		}
	}
	if err != nil {
		return Record{}, fmt.Errorf("record of the trial: %w", err)
	}
	return r, nil
}

// ownedDir is files.Owned for a directory, which must not be a link.
func ownedDir(dir string, own bool) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w: remove it", dir, files.ErrUntrusted)
	}
	return files.Owned(dir, info, own)
}

// Write makes the directory of path and writes r there, durably and atomically. Everybody may
// read the record; only its owner, or on Windows only administrators, may write it. Write adds
// to r.Boots the name by which this machine's processes know the boot.
func Write(path string, r Record) error {
	r.Format = Format
	boot, err := nameBoot()
	if err != nil {
		return fmt.Errorf("record of the trial: %w", err)
	}
	if boot != "" && !slices.Contains(r.Boots, boot) {
		r.Boots = append(slices.Clone(r.Boots), boot)
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = files.MakeDir(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.Chmod(filepath.Dir(path), 0o755) //nolint:gosec // the service's user reads it; the umask has no say
	}
	if err == nil {
		err = files.Seal(filepath.Dir(path))
	}
	if err == nil {
		err = files.Replace(path, append(content, '\n'), 0o644, true)
	}
	if err == nil {
		err = files.Seal(path)
	}
	if err != nil {
		return fmt.Errorf("record of the trial: %w", err)
	}
	return nil
}

// Remove ends the trial: no other process will begin it. It is no error if there is no record.
func Remove(path string) error {
	err := files.Remove(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		err = files.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("record of the trial: %w", err)
	}
	return nil
}

// Place returns the device and inode of a file, as a [Record] has them. On Windows ok is
// false.
func Place(info fs.FileInfo) (device, inode uint64, ok bool) {
	n, _ := fmt.Sscanf(files.Inode(info), "%d:%d", &device, &inode)
	return device, inode, n == 2
}

// Current returns nil if a process of the service may follow r on that boot at that time.
// Otherwise it returns the reason, which wraps ErrOver.
func (r Record) Current(service, boot string, now time.Duration) error {
	switch {
	case r.Format != Format:
		return over("its record has format %d, and this program knows %d", r.Format, Format)
	case r.Service != service:
		return over("its record is of %q", r.Service)
	case r.ID == "" || !filepath.IsAbs(r.Candidate) || !filepath.IsAbs(r.Stable) || !filepath.IsAbs(r.TriesFile):
		return over("its record is incomplete")
	case !slices.Contains(r.Boots, boot):
		return over("its record is from another boot of the machine")
	case now >= r.Deadline:
		return over("its time limit is over")
	}
	return nil
}
