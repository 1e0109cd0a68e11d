package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A change is what happens to one definition, line by line.
type change struct {
	Path  string   `json:"path"`
	Lines []string `json:"lines"` // in the form of [difference]
}

// changes returns what the steps would change in definitions.
func (t *target) changes(ctx context.Context, steps []platform.Step) []change {
	all := []change{}
	for _, s := range steps {
		var lines []string
		path := s.Path
		switch {
		case s.Kind == platform.StepWriteFile:
			lines = t.changedFile(s)
		case s.Kind == platform.StepRemoveFile:
			lines = t.removedFile(s)
		case s.Payload != nil:
			path, lines = t.changedPayload(ctx, s)
		}
		if len(lines) > 0 {
			all = append(all, change{path, lines})
		}
	}
	return all
}

func (t *target) changedFile(s platform.Step) []string {
	before, err := t.System.ReadFile(s.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return []string{"-" + err.Error(), "+" + s.Describe}
	}
	if lines := difference(string(before), string(s.Content)); len(lines) > 0 {
		return lines
	}
	info, err := t.System.Stat(s.Path)
	if err != nil || filepath.Separator != '/' || info.Mode().Perm() == s.Mode {
		return nil
	}
	return []string{fmt.Sprintf("-mode %04o", info.Mode().Perm()), fmt.Sprintf("+mode %04o", s.Mode)}
}

// removedFile returns the lines of a file that the steps remove, such as one that an earlier
// configuration needed.
func (t *target) removedFile(s platform.Step) []string {
	before, err := t.System.ReadFile(s.Path)
	if err != nil {
		return nil
	}
	return difference(string(before), "")
}

// changedPayload returns the change for a manager whose definitions are not files.
func (t *target) changedPayload(ctx context.Context, s platform.Step) (string, []string) {
	d, ok := t.manager.(platform.Registry)
	if !ok {
		return "", nil
	}
	before, is := d.Registered(ctx, t.id, s)
	if !is {
		return "", nil
	}
	return fmt.Sprintf("the service %q", t.id), difference(indented(before), indented(s.Payload))
}

// indented returns a payload as lines of text, or nothing for a nil payload.
func indented(payload any) string {
	if payload == nil {
		return ""
	}
	var b bytes.Buffer
	_ = writeJSON(&b, payload) // every payload of a plan can be marshalled
	return b.String()
}

// undone reports whether the steps have something to do besides changes to definitions.
func (t *target) undone(ctx context.Context, steps []platform.Step) bool {
	st, err := t.query(ctx, t.id)
	if err != nil || !st.Installed || t.made != (state.Account{}) {
		return true
	}
	if _, says := t.manager.(platform.Registry); !says && st.Enabled == (t.cfg.StartType == platform.StartManual) { // a registered definition contains the start type
		return true
	}
	if st.Trigger != nil && !st.Trigger.Enabled {
		return true
	}
	for _, s := range steps {
		switch {
		case s.Kind == platform.StepCopyFile && !t.sameFiles(s.Source, s.Path):
			return true
		case s.Kind == platform.StepRun && len(s.Argv) > 1 && (s.Argv[0] == "install" || s.Argv[0] == "mkdir") && !t.exists(s.Argv[len(s.Argv)-1]),
			s.Kind != platform.StepWriteFile && s.Kind != platform.StepRemoveFile && s.Path != "" && !t.exists(s.Path):
			return true
		}
	}
	return false
}

func (t *target) exists(path string) bool {
	_, err := t.System.Stat(path)
	return err == nil
}

func (t *target) sameFiles(a, b string) bool {
	one, errA := t.System.ReadFile(a)
	other, errB := t.System.ReadFile(b)
	return errA == nil && errB == nil && bytes.Equal(one, other)
}

func printChanges(w io.Writer, all []change) {
	for _, c := range all {
		fmt.Fprintf(w, "- changes %s:\n", c.Path)
		for _, line := range c.Lines {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

func showChanges(w io.Writer, manager string, all []change, notes []string, asJSON bool) error {
	if asJSON {
		return writeJSON(w, struct {
			Manager string   `json:"manager"`
			Changes []change `json:"changes"`
			Notes   []string `json:"notes,omitempty"` // differences in the running service
		}{manager, all, notes})
	}
	for _, c := range all {
		fmt.Fprintf(w, "%s:\n%s\n", c.Path, strings.Join(c.Lines, "\n"))
	}
	return nil
}
