package ship

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// checkpoint is what is true at one moment: the output consists of the lines
// before these offsets, and nothing else of ours.
type checkpoint struct {
	Version int        `json:"version"`
	Output  outputMark `json:"output"`
	Files   []fileMark `json:"files"`
}

const checkpointVersion = 1

// maxCheckpoint is how many bytes are read of one: it has some 200 for each input.
const maxCheckpoint = 64 << 20

// outputMark is the end of the output.
type outputMark struct {
	Path string `json:"path"`
	ID   string `json:"id"`
	mark
}

// fileMark is how far an input has been read. One that was not read at all has
// none.
type fileMark struct {
	Path string `json:"path"` // where an input named it last
	ID   string `json:"id"`
	position
	Missing time.Time `json:"missing_since,omitzero"` // it was not there when it was looked for
}

// position is a mark, and on which side of a line's beginning it is.
type position struct {
	mark
	Skipping bool `json:"skipping,omitempty"` // within a line that is too long
}

// readCheckpoint reads the checkpoint; it is empty if there is none. The error
// is ErrCheckpoint if what is there is not whole.
func readCheckpoint(path string) (checkpoint, error) {
	// Root may run what lies in a directory of the service's user.
	f, err := files.OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint{}, nil
	}
	if err != nil {
		return checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxCheckpoint+1))
	if err != nil {
		return checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	var c checkpoint
	if len(text) > maxCheckpoint {
		err = fmt.Errorf("it is longer than %d bytes", maxCheckpoint)
	} else {
		c, err = parseCheckpoint(text)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %s: %w: what is in the output already cannot be known from it; "+
			"put back a copy, or remove it to ship every input anew, behind what the output has", ErrCheckpoint, path, err)
	}
	return c, nil
}

// parseCheckpoint reads a checkpoint and believes nothing that cannot be true.
func parseCheckpoint(text []byte) (checkpoint, error) {
	var c checkpoint
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return c, errors.New("something follows its end")
	}
	switch {
	case c.Version != checkpointVersion:
		return c, fmt.Errorf("its version is %d, not %d", c.Version, checkpointVersion)
	case c.Output.Path == "" || c.Output.ID == "":
		return c, errors.New("it names no output")
	case c.Output.Offset < 0:
		return c, fmt.Errorf("the output's length is %d", c.Output.Offset)
	}
	for _, f := range c.Files {
		switch {
		case f.Path == "" || f.ID == "":
			return c, errors.New("a file has no name")
		case f.Offset <= 0:
			return c, fmt.Errorf("the offset in %q is %d", f.Path, f.Offset)
		}
	}
	return c, nil
}

// save replaces the checkpoint by what is true now, durably.
func (s *Shipper) save() error {
	c := checkpoint{
		Version: checkpointVersion,
		Output:  outputMark{Path: s.out.path, ID: s.out.id, mark: s.out.end},
		Files:   append([]fileMark{}, s.missing...),
	}
	for _, f := range s.files {
		if f.Offset > 0 {
			c.Files = append(c.Files, fileMark{Path: f.path, ID: f.id, position: f.position})
		}
	}
	text, err := json.MarshalIndent(c, "", "\t")
	if err == nil {
		err = files.Replace(s.checkpoint, append(text, '\n'), 0o600, true)
	}
	if err != nil {
		// The disk has the old one or the new one: either is true, as long as
		// nothing is appended before the next has succeeded.
		s.unsaved = true
		return fmt.Errorf("checkpoint: %w", err)
	}
	s.unsaved = false
	s.reached(stageSaved)
	return nil
}
