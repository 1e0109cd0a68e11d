package service

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// sift decodes f into doc, and what cannot be decoded is left out, a line at a time:
// the library stops at the first such value, whichever it comes upon. f is then
// without those lines. The error is one behind which nothing can be said.
func (f *file) sift(doc any) (md toml.MetaData, wrong []error, err error) {
	for {
		md, err := toml.Decode(f.text, doc)
		if err == nil {
			return md, wrong, nil
		}
		bad := ConfigErrors(f.wrap(err))[0]
		if !f.leaveOut(bad.Line) {
			return md, wrong, bad
		}
		wrong = append(wrong, bad)
	}
}

// leaveOut empties a line, where what is left can be read as the whole can.
func (f *file) leaveOut(line int) bool {
	lines := strings.SplitAfter(f.text, "\n")
	if line < 1 || line > len(lines) || strings.TrimSpace(lines[line-1]) == "" {
		return false
	}
	lines[line-1] = "\n"
	left := strings.Join(lines, "")
	for _, text := range []string{f.text, left} {
		var doc map[string]any
		if _, err := toml.Decode(text, &doc); err != nil {
			return false
		}
	}
	f.text = left
	return true
}

// byLine joins errors as the file has them, and of those of one line, which may
// follow from each other, takes the first.
func byLine(errs ...error) error {
	all := locatedErrors(errors.Join(errs...))
	if len(all) == 0 {
		return errors.Join(errs...)
	}
	slices.SortStableFunc(all, func(a, b *ConfigError) int { return cmp.Compare(a.Line, b.Line) })
	var first []error
	for i, e := range all {
		if i == 0 || e.Line == 0 || e.Line != all[i-1].Line {
			first = append(first, e)
		}
	}
	return errors.Join(first...)
}
