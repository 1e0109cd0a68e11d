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

// Work is what a journal of interrupted work (package service/recovery/journal) says of
// itself, for whoever looks at the service without opening it. It is some seconds old.
type Work struct {
	Begun       int `json:"begun"`       // under way, or it was when the service ended
	Queued      int `json:"queued"`      // to be run as soon as the program takes it
	Interrupted int `json:"interrupted"` // and not run again by itself
	SetAside    int `json:"set_aside"`   // it was under way in too many crashes, and waits for its release
	Damaged     int `json:"damaged"`     // entries that cannot be read

	Refused string    `json:"refused,omitempty"` // why the journal is not used at all
	Term    uint64    `json:"term,omitempty"`    // of the run that says so; 0: a command did
	At      time.Time `json:"at"`

	// Aside are journals that could not be used and are kept under other names.
	Aside []string `json:"aside,omitempty"`
}

// workSuffix is what the file's name adds to the journal's.
const workSuffix = ".json"

// asideMark is what the name of a journal that was set aside adds to the journal's own.
const asideMark = ".set-aside-"

// ReadWork is what the journal at path said last; nil if there is no journal. Work.Aside is
// as it is now.
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

// WriteWork has w be what the journal at path says. It does not wait for the disk.
func WriteWork(path string, w Work) error {
	w.Aside = nil
	if err := files.ReplaceJSON(path+workSuffix, w, 0o644, false); err != nil {
		return fmt.Errorf("what the journal says of itself: %w", err)
	}
	return nil
}

// AsideOf lists the journals that were set aside from path, the oldest first.
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

// AsidePath is the n-th name at the time now for what is set aside from path.
func AsidePath(path string, now time.Time, n int) string {
	return fmt.Sprintf("%s%s%s-%d", path, asideMark, now.UTC().Format("20060102T150405"), n)
}
