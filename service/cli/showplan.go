package cli

import (
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
		return writePlanJSON(w, manager, steps)
	}
	fmt.Fprintf(w, "%d steps for %s:\n", len(steps), manager)
	for i, s := range steps {
		fmt.Fprintf(w, "\n%d. %s\n", i+1, s.Describe)
		if len(s.Argv) > 0 {
			fmt.Fprintf(w, "   $ %s\n", strings.Join(s.Argv, " "))
		}
		if s.Kind == platform.StepWriteFile {
			fmt.Fprintf(w, "   %s, mode %04o:\n", s.Path, s.Mode)
			for line := range strings.Lines(string(s.Content)) {
				fmt.Fprintf(w, "   | %s\n", strings.TrimSuffix(line, "\n"))
			}
		}
		if s.Kind == platform.StepDirectory {
			fmt.Fprintf(w, "   %s, access %s\n", s.Path, s.Access)
		}
		if s.Service != nil {
			if err := showRegistration(w, s.Service); err != nil {
				return err
			}
		}
	}
	return nil
}

// showRegistration shows what a service manager is told by calls, one line each.
func showRegistration(w io.Writer, r *platform.Registration) error {
	b, err := json.Marshal(r)
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
			value = text // without quotes of its own: it is a command line, for one
		}
		fmt.Fprintf(w, "   | %s: %s\n", name, value)
	}
	return nil
}

func writePlanJSON(w io.Writer, manager string, steps []platform.Step) error {
	type step struct {
		Kind     platform.StepKind `json:"kind"`
		Describe string            `json:"describe"`
		Path     string            `json:"path,omitempty"`
		Mode     string            `json:"mode,omitempty"`
		Content  *string           `json:"content,omitempty"`
		Argv     []string          `json:"argv,omitempty"`
		Undo     []string          `json:"undo,omitempty"`
		Access   string            `json:"access,omitempty"`
		Source   string            `json:"source,omitempty"`
		*platform.Registration
	}
	plan := struct {
		Manager string `json:"manager"`
		Steps   []step `json:"steps"`
	}{manager, []step{}}
	for _, s := range steps {
		j := step{Kind: s.Kind, Describe: s.Describe, Path: s.Path, Argv: s.Argv, Undo: s.Undo, Access: s.Access, Source: s.Source, Registration: s.Service}
		if s.Kind == platform.StepWriteFile {
			content := string(s.Content)
			j.Mode, j.Content = fmt.Sprintf("%04o", s.Mode), &content
		}
		plan.Steps = append(plan.Steps, j)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(plan)
}
