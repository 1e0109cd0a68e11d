package trial

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Tries is what the service's user writes of a trial.
type Tries struct {
	Trial string `json:"trial"`
	Count int    `json:"count"`
	// Why the confirmed version did not, or not again, give way to the candidate.
	Why string `json:"why,omitempty"`
}

// ReadTries reads what has been counted of the trial id; nothing, where there is
// nothing of it.
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

// count counts one try more; what cannot be counted is not tried.
func (r Record) count() error {
	t, err := ReadTries(r.TriesFile, r.ID)
	switch {
	case err != nil:
		return over("%w", err)
	case t.Count < 0 || t.Count >= r.Tries:
		return over("its tries are used up (%d of %d)", t.Count, r.Tries)
	}
	t.Count++
	if err := t.write(r.TriesFile); err != nil {
		return over("%w", err)
	}
	return nil
}

// note leaves word of why the candidate is not executed, for whoever began the trial. If
// that cannot be written, nobody needs it.
func (r Record) note(why error) {
	if t, err := ReadTries(r.TriesFile, r.ID); err == nil && t.Why == "" {
		t.Why = why.Error()
		_ = t.write(r.TriesFile)
	}
}
