package trial

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Tries is the part of a trial that the service's user writes.
type Tries struct {
	Trial string `json:"trial"`
	Count int    `json:"count"`
	// Why says why the confirmed version did not, or no longer, give way to the candidate.
	Why string `json:"why,omitempty"`
}

// ReadTries reads the count of the trial id. It returns the zero value if nothing was counted.
func ReadTries(path, id string) (Tries, error) {
	content, _, err := files.Read(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return Tries{Trial: id}, nil
	}
	var t Tries
	if err == nil {
		err = files.DecodeJSON(content, &t)
	}
	if err != nil {
		return Tries{}, fmt.Errorf("count of tries: %w", err)
	}
	if t.Trial != id {
		return Tries{Trial: id}, nil
	}
	return t, nil
}

func (t Tries) write(path string) error {
	if err := files.ReplaceJSON(path, t, 0o644, true); err != nil {
		return fmt.Errorf("count of tries: %w", err)
	}
	return nil
}

// count counts one more try. If it cannot be counted, the candidate is not executed.
func (r Record) count() error {
	t, err := ReadTries(r.TriesFile, r.ID)
	switch {
	case err != nil:
		return over("%w", err)
	case t.Count < 0 || t.Count >= r.Tries:
		return over("it has used all its tries (%d of %d)", t.Count, r.Tries)
	}
	t.Count++
	if err := t.write(r.TriesFile); err != nil {
		return over("%w", err)
	}
	return nil
}

// note records why the candidate is not executed, for whoever began the trial. A failure to
// write that is ignored.
func (r Record) note(why error) {
	if t, err := ReadTries(r.TriesFile, r.ID); err == nil && t.Why == "" {
		t.Why = why.Error()
		_ = t.write(r.TriesFile)
	}
}
