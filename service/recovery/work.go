package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Work is a summary of a journal of interrupted work (package service/recovery/journal), for
// reading without opening the journal. It is some seconds old.
type Work struct {
	Begun       int `json:"begun"`       // in progress, or so when the service ended
	Queued      int `json:"queued"`      // waits until the program takes it
	Interrupted int `json:"interrupted"` // interrupted, and does not run again by itself
	SetAside    int `json:"set_aside"`   // in progress in too many crashes; waits for its release
	Damaged     int `json:"damaged"`     // entries that cannot be read

	Refused string    `json:"refused,omitempty"` // why the journal is not used at all
	Term    uint64    `json:"term,omitempty"`    // of the run that wrote the summary; 0: a command wrote it
	At      time.Time `json:"at"`

	// Aside has the paths of journals that could not be used and were renamed.
	Aside []string `json:"aside,omitempty"`
}

// workSuffix is appended to the journal's name for the name of the summary.
const workSuffix = ".json"

// asideMark is appended to the journal's name for the name of a journal that was set aside.
const asideMark = ".set-aside-"

// ReadWork returns the last summary of the journal at path, or nil if there is no journal.
// Work.Aside is up to date.
func ReadWork(path string) (*Work, error) {
	aside := AsideOf(path)
	content, _, err := files.Read(path+workSuffix, files.MaxRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist) && aside == nil:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return &Work{Aside: aside}, nil
	}
	var w Work
	if err == nil {
		err = files.DecodeJSON(content, &w)
	}
	if err != nil {
		return nil, fmt.Errorf("what the journal says of itself: %w", err)
	}
	w.Aside = aside
	return &w, nil
}

// WriteWork writes the summary of the journal at path. It does not wait for the disk.
func WriteWork(path string, w Work) error {
	w.Aside = nil
	if err := files.ReplaceJSON(path+workSuffix, w, 0o644, false); err != nil {
		return fmt.Errorf("what the journal says of itself: %w", err)
	}
	return nil
}

// AsideOf returns the journals that were set aside from path, the oldest first.
func AsideOf(path string) (found []string) {
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	for _, x := range all {
		if rest, ok := strings.CutPrefix(x.Name(), filepath.Base(path)+asideMark); ok && rest != "" {
			found = append(found, filepath.Join(filepath.Dir(path), x.Name()))
		}
	}
	return found
}

// AsidePath returns the n-th path at the time now for a journal that is set aside from path.
func AsidePath(path string, now time.Time, n int) string {
	return fmt.Sprintf("%s%s%s-%d", path, asideMark, now.UTC().Format("20060102T150405"), n)
}
