package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

func showPlan(w io.Writer, manager string, steps []platform.Step, asJSON bool) error {
	if asJSON {
		return writeJSON(w, planOf(manager, steps))
	}
	fmt.Fprintf(w, "%d steps for %s:\n", len(steps), manager)
	for i, s := range steps {
		fmt.Fprintf(w, "\n%d. %s\n", i+1, s.Describe)
		if len(s.Argv) > 0 {
			fmt.Fprintf(w, "   $ %s%s\n", strings.Join(s.Argv, " "), patience(s))
		}
		switch s.Kind {
		case platform.StepCopyFile, platform.StepMakeDir:
			fmt.Fprintf(w, "   %s, mode %04o\n", s.Path, s.Mode)
		case platform.StepRemoveFile:
			fmt.Fprintf(w, "   %s\n", s.Path)
		}
		if s.Kind == platform.StepWriteFile || s.Kind == stepRecord {
			fmt.Fprintf(w, "   %s, mode %04o:\n", s.Path, s.Mode)
			for line := range strings.Lines(string(s.Content)) {
				fmt.Fprintf(w, "   | %s\n", strings.TrimSuffix(line, "\n"))
			}
		}
		if err := showPayload(w, s); err != nil {
			return err
		}
	}
	return nil
}

// patience describes what a command may do that others may not: fail, or be repeated.
func patience(s platform.Step) string {
	text := ""
	if s.Until != 0 {
		text = fmt.Sprintf("   (again until it ends with exit code %d, for at most %v)", s.Until, s.Within)
	}
	if s.MayFail {
		text += "   (may fail)"
	}
	return text
}

// showPayload shows the payload of a step that is no file and no command: as a text after its
// path, or else as its fields, one per line.
func showPayload(w io.Writer, s platform.Step) error {
	if s.Payload == nil {
		return nil
	}
	if text, ok := s.Payload.(fmt.Stringer); ok {
		fmt.Fprintf(w, "   %s, %v\n", s.Path, text)
		return nil
	}
	b, err := json.Marshal(s.Payload)
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := string(fields[name])
		var text string
		if json.Unmarshal(fields[name], &text) == nil {
			value = text // without JSON quotes, because it may be a command line
		}
		fmt.Fprintf(w, "   | %s: %s\n", name, value)
	}
	return nil
}

// A jsonStep is a step in the JSON of a plan. The keys of its payload follow its own.
type jsonStep struct {
	Kind     platform.StepKind `json:"kind"`
	Describe string            `json:"describe"`
	Path     string            `json:"path,omitempty"`
	Mode     string            `json:"mode,omitempty"`
	Content  *string           `json:"content,omitempty"`
	Source   string            `json:"source,omitempty"` // the file that is copied to Path
	Argv     []string          `json:"argv,omitempty"`
	Undo     []string          `json:"undo,omitempty"`
	MayFail  bool              `json:"may_fail,omitempty"`
	Until    int               `json:"until,omitempty"`  // Argv is repeated until it ends with this code,
	Within   string            `json:"within,omitempty"` // for no longer than this

	payload any
}

// MarshalJSON returns the fields of the step and of its payload as one object.
func (s jsonStep) MarshalJSON() ([]byte, error) {
	type plain jsonStep
	own, err := marshalPlain(plain(s))
	if err != nil || s.payload == nil {
		return own, err
	}
	payload, err := marshalPlain(s.payload)
	if err != nil || len(payload) <= len("{}") {
		return own, err
	}
	return append(append(own[:len(own)-1], ','), payload[1:]...), nil
}

// marshalPlain leaves <, > and & unescaped.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// A jsonPlan is the output of `plan --json`.
type jsonPlan struct {
	Manager string     `json:"manager"`
	Steps   []jsonStep `json:"steps"`
}

func planOf(manager string, steps []platform.Step) jsonPlan {
	plan := jsonPlan{manager, []jsonStep{}}
	for _, s := range steps {
		j := jsonStep{
			Kind: s.Kind, Describe: s.Describe, Path: s.Path, Argv: s.Argv, Undo: s.Undo, MayFail: s.MayFail, Until: s.Until, payload: s.Payload,
		}
		if s.Until != 0 {
			j.Within = s.Within.String()
		}
		if s.Kind == platform.StepCopyFile {
			j.Mode, j.Source = fmt.Sprintf("%04o", s.Mode), s.Source
		}
		if s.Kind == platform.StepMakeDir {
			j.Mode = fmt.Sprintf("%04o", s.Mode)
		}
		if s.Kind == platform.StepWriteFile || s.Kind == stepRecord {
			content := string(s.Content)
			j.Mode, j.Content = fmt.Sprintf("%04o", s.Mode), &content
		}
		plan.Steps = append(plan.Steps, j)
	}
	return plan
}
