package ship

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// A Selection says which lines are shipped.
type Selection struct {
	Inputs []string       // globs as in [filepath.Match]
	Match  *regexp.Regexp // sees a line without its end; nil: every line
}

// has reports whether path matches an input.
func (sel Selection) has(path string) bool {
	return slices.ContainsFunc(sel.Inputs, func(glob string) bool {
		ok, _ := filepath.Match(glob, path)
		return ok
	})
}

// paths returns the files that match the inputs at the moment.
func (sel Selection) paths() []string {
	var all []string
	for _, glob := range sel.Inputs {
		paths, _ := filepath.Glob(glob) // a bad pattern was refused earlier
		all = append(all, paths...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Select changes what is shipped from now on. Files that sel leaves out keep their position in
// case they are selected again. If the error is [ErrOwnFile] or filepath.ErrBadPattern,
// nothing has changed.
func (s *Shipper) Select(sel Selection) error {
	if err := refuse(sel, s.out.path, s.checkpoint); err != nil {
		return err
	}
	for _, path := range sel.paths() {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, s.out.info) {
			return fmt.Errorf("input %q is the output %q: %w", path, s.out.path, ErrOwnFile)
		}
	}
	s.sel = sel
	for _, f := range s.files {
		f.selected = sel.has(f.path)
	}
	return nil
}

// refuse returns an error for invalid patterns, and for patterns that match one of our own
// files, even one that does not exist yet.
func refuse(sel Selection, own ...string) error {
	for _, glob := range sel.Inputs {
		for _, path := range own {
			switch match, err := filepath.Match(glob, path); {
			case err != nil:
				return fmt.Errorf("input %q: %w", glob, err)
			case match:
				return fmt.Errorf("input %q matches %q: %w", glob, path, ErrOwnFile)
			}
		}
	}
	return nil
}
