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

// A checkpoint describes one moment: the output consists of the lines before these offsets,
// and of nothing else that the shipper has written.
type checkpoint struct {
	Version int        `json:"version"`
	Output  outputMark `json:"output"`
	Files   []fileMark `json:"files"`
}

const checkpointVersion = 1

// maxCheckpoint limits how much of a checkpoint is read, in bytes. It has some 200 bytes for
// each input.
const maxCheckpoint = 64 << 20

// An outputMark is the end of the output.
type outputMark struct {
	Path string `json:"path"`
	ID   string `json:"id"`
	mark
}

// A fileMark says how far an input has been read. An input that has not been read has none.
type fileMark struct {
	Path string `json:"path"` // last path that matched an input
	ID   string `json:"id"`
	position
	Missing time.Time `json:"missing_since,omitzero"` // when it was first found missing
}

// A position is a mark, and whether it is within a line that is skipped.
type position struct {
	mark
	Skipping bool `json:"skipping,omitempty"` // within an overlong line
}

// readCheckpoint reads the checkpoint, which is empty if there is none. The error is
// ErrCheckpoint if the file is damaged.
func readCheckpoint(path string) (checkpoint, error) {
	// The shipper may run as root with a directory of another user.
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
		return c, fmt.Errorf("%w: %s: %w: it does not show what the output already has; "+
			"restore a copy, or remove it to ship every input again, after what the output has", ErrCheckpoint, path, err)
	}
	return c, nil
}

// parseCheckpoint decodes a checkpoint and refuses impossible values.
func parseCheckpoint(text []byte) (checkpoint, error) {
	var c checkpoint
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return c, errors.New("it has data after its end")
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

// save replaces the checkpoint by the current one, durably.
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
		// The disk has the old checkpoint or the new one. Either is correct as long as
		// nothing is appended before the next save has succeeded.
		s.unsaved = true
		return fmt.Errorf("checkpoint: %w", err)
	}
	s.unsaved = false
	s.reached(stageSaved)
	return nil
}
