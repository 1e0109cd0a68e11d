// Package trial has the confirmed version of a program give way to a candidate, for
// a time, and take over again whatever becomes of the candidate.
//
// The path that a manager starts always leads to a confirmed version. While a
// candidate is on trial there is a [Record], written by whoever may replace the
// program itself, in a directory that a reboot empties; it names the boot as well.
// The first act of the confirmed version's `run` is [Begin]: it reads the record,
// counts the try, durably, and then executes the candidate in its own place: same
// process, arguments, environment. Whatever is wrong with record, count or candidate
// ends the trial, and never the start: the confirmed version runs then.
//
// The candidate, in its turn, asks nobody: when the deadline is over and the path of
// the confirmed version does not lead to the candidate itself, or when it fails, it
// executes what is there in its own place. So who began the trial need not live.
//
// What the service's user writes is the count of tries. It can end a trial, and make
// it last until its deadline; it leads to no other program.
//
// # Windows notes
//
// Nothing can be executed in a process's place there. The confirmed version stays the
// process that the service control manager has started, and runs the candidate as its
// child: what the manager orders it hands on, and what the child reports it reports.
// When the child ends, unless the service was asked to or the child was confirmed, it
// lives the life of the service itself; the manager notices nothing. The child ends with
// it, whatever ends it (a job object). So here the confirmed version, too, sees to it
// that a trial ends: at its deadline, and when its record is gone.
//
// No directory is emptied by a reboot: the record names the boot by a key of the
// registry that is not kept on the disk. What may be believed the access lists say: they
// must let nobody but SYSTEM and the administrators write record, candidate, and the
// directories of both. The candidate is open, and nobody can change, replace or
// rename it, from before its digest is compared until it runs.
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

// Format is the version of the format of a [Record]. A reader takes one that is
// not its own for the end of the trial.
const Format = 1

// Record is a trial under way.
type Record struct {
	Format  int    `json:"format"`
	ID      string `json:"id"`      // of the trial
	Service string `json:"service"` // name or name@instance
	// Manager is whose starts of the service are the candidate's, as native.Starter has
	// it: what a person starts by hand is no try. Empty: every start is.
	Manager string `json:"manager,omitempty"`

	Candidate string `json:"candidate"` // absolute path
	Device    uint64 `json:"device"`
	Inode     uint64 `json:"inode"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Version   string `json:"version,omitempty"` // of the candidate
	From      string `json:"from,omitempty"`    // of the confirmed version

	Stable string `json:"stable"` // path of the confirmed version
	// Boots are the names by which processes of this boot know it. Those of a service
	// in a container may see another one than whoever began the trial.
	Boots     []string      `json:"boots"`
	Deadline  time.Duration `json:"deadline_ns"` // by proc.Boottime
	Tries     int           `json:"tries"`       // how often the candidate may be executed
	TriesFile string        `json:"tries_file"`  // where the service's user counts them

	Since time.Time `json:"since"`
	By    string    `json:"by"` // who began it, for people
}

// ErrOver means that a record, or what it speaks of, is not to be followed (any more).
var ErrOver = errors.New("the trial is over")

func over(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrOver, fmt.Errorf(format, args...))
}

// maxRecord is how long a record may be, in bytes.
const maxRecord = 64 << 10

// Read reads the record at path. It is believed only if it and its directory belong
// to root, or to this process's user where own is set, and nobody else can write
// them. The error wraps fs.ErrNotExist if there is none.
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
		return fmt.Errorf("%s is no directory: %w: remove it", dir, files.ErrUntrusted)
	}
	return files.Owned(dir, info, own)
}

// Write writes r to path, durably and so that it is whole at every instant, and
// makes its directory. Everybody may read it, and only its owner write; on Windows,
// only administrators. To r's names of this boot it adds the one by which processes of
// this machine know it.
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

// Remove ends the trial: no further process begins it. One without a record has ended.
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

// Place is where a file lies, as a [Record] has it; not ok on Windows.
func Place(info fs.FileInfo) (device, inode uint64, ok bool) {
	n, _ := fmt.Sscanf(files.Inode(info), "%d:%d", &device, &inode)
	return device, inode, n == 2
}

// Current returns the reason, which wraps ErrOver, why r is not to be followed by a
// process of the service, on that boot, at that time.
func (r Record) Current(service, boot string, now time.Duration) error {
	switch {
	case r.Format != Format:
		return over("its record has format %d, and this program knows %d", r.Format, Format)
	case r.Service != service:
		return over("its record is of %q", r.Service)
	case r.ID == "" || !filepath.IsAbs(r.Candidate) || !filepath.IsAbs(r.Stable) || !filepath.IsAbs(r.TriesFile):
		return over("its record is not whole")
	case !slices.Contains(r.Boots, boot):
		return over("its record is of another boot of the machine")
	case now >= r.Deadline:
		return over("its time is over")
	}
	return nil
}
