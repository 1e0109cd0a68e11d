package service

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// sift decodes f into doc. The library stops at the first value that it cannot decode, so sift
// removes the lines of such values from f, one at a time, and returns their errors in wrong.
// err is an error after which nothing more can be decoded.
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

// leaveOut empties a line if the text can be parsed with and without it.
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

// byLine joins errors in the order of their lines. It keeps only the first error of a line,
// because the others may follow from it.
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
