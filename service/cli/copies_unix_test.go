//go:build unix

package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// uninstall left the copy that --copy-to had made, and did not say so.
func TestIssue10_8_UninstallRemovesTheCopy(t *testing.T) {
	type stage struct {
		*place
		image, bin, copied string
	}
	does := func(s stage, args ...string) string {
		t.Helper()
		if err := s.runFrom(s.image, args...); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		return s.out.String() + s.errs.String()
	}
	for name, tt := range map[string]struct {
		before func(stage) // the install
		after  func(stage) // it
		stays  string      // why; empty: it is removed
	}{
		"as it was copied":       {nil, nil, ""},
		"installed twice":        {nil, func(s stage) { does(s, "install", "--copy-to", s.bin) }, ""},
		"installed again":        {nil, func(s stage) { does(s, "install") }, ""},
		"a newer one":            {nil, func(s stage) { s.put(s.image, "the next one"); does(s, "install") }, ""},
		"over an older one":      {func(s stage) { s.put(s.copied, "of before") }, nil, ""},
		"not by --copy-to again": {nil, func(s stage) { does(s, "install", "--no-copy-to") }, ""},
		"gone":                   {nil, func(s stage) { s.remove(s.copied) }, ""},
		"changed since":          {nil, func(s stage) { s.put(s.copied, "theirs") }, "(it is not the copy that install made)"},
		"somebody's, the same":   {func(s stage) { s.put(s.copied, "the program") }, nil, "-"},
		"of two instances": {nil, func(s stage) {
			s.m.instances = map[string]platform.Status{"b": {}}
			does(s, "install", "--copy-to", s.bin, "--instance", "b")
			s.m.instances = nil
		}, "(feedd@b runs it, too)"},
		"that another one runs": {nil, func(s stage) {
			s.m.instances = map[string]platform.Status{"b": {}}
			does(s, "install", "--program", s.copied, "--instance", "b")
			s.m.instances = nil
		}, "(feedd@b runs it, too)"},
	} {
		t.Run(name, func(t *testing.T) {
			p, image, bin := checkout(t)
			s := stage{p, image, bin, filepath.Join(bin, "feedd")}
			if tt.before != nil {
				tt.before(s)
			}
			does(s, "install", "--copy-to", bin)
			if tt.after != nil {
				tt.after(s)
			}
			text := does(s, "uninstall")
			_, err := os.Stat(s.copied)
			if gone := errors.Is(err, os.ErrNotExist); gone != (tt.stays == "") {
				t.Errorf("removed %v:\n%s", gone, text)
			}
			says := "- the copy of the program that install made: " + s.copied + "\n"
			if strings.Contains(text, says) != (tt.stays == "" && name != "gone") {
				t.Errorf("it says\n%s", text)
			}
			if line := "The copy of its program stays: " + s.copied + " " + tt.stays + "\n"; len(tt.stays) > 1 && !strings.Contains(text, line) {
				t.Errorf("it does not say %q:\n%s", line, text)
			}
			if strings.HasPrefix(name, "of two") { // the other one's uninstall removes it
				s.m.instances = map[string]platform.Status{"b": {Installed: true}}
				if does(s, "uninstall", "--instance", "b"); !gone(s.copied) {
					t.Error("the last one has left it")
				}
			}
		})
	}
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

func (p *place) remove(path string) {
	p.t.Helper()
	if err := os.Remove(path); err != nil {
		p.t.Fatal(err)
	}
}

// A copy that cannot be removed does not prevent the uninstall: on Windows it may be this very
// program.
func TestACopyThatCannotBeRemovedIsSaid(t *testing.T) {
	p, image, bin := checkout(t)
	if err := p.runFrom(image, "install", "--copy-to", bin); err != nil {
		t.Fatal(err)
	}
	m := p.machine()
	m.Program, m.Executable = "./feedd", func() (string, error) { return image, nil }
	m.System = sticky{m.System}
	if err := p.runOn(t.Context(), m, "uninstall"); err != nil {
		t.Fatal(err)
	}
	if got, want := p.out.String(), "The copy of its program stays: "+filepath.Join(bin, "feedd")+" (it could not be removed)\n"; !strings.Contains(got, want) {
		t.Errorf("it does not say %q: %s", want, got)
	}
}

// sticky is a machine on which no program can be removed.
type sticky struct{ platform.System }

func (s sticky) Remove(path string) error {
	if filepath.Base(path) == "feedd" {
		return os.ErrPermission
	}
	return s.System.Remove(path)
}
