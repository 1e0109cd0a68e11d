package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/doctor"
)

// These are the exit codes of `doctor`, by the severity of the worst finding. As for all
// commands, 1 means that the command itself failed, and 2 that the command line is wrong.
const (
	exitWarning = 3
	exitFinding = 4 // an error
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find the cause of a problem and name the command that fixes it",
		Long: "Find the cause of a problem and name the command that fixes it. doctor changes nothing. It works " +
			"while the service is down, and without root as far as possible; a note says what it could not see.\n\n" +
			"The worst finding comes first, and a cause before its effects. Exit code: 0 no findings but notes, " +
			"3 a warning, 4 an error.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			r := a.examination(cmd, t)
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), r)
			} else {
				err = printExamination(cmd.OutOrStdout(), r)
			}
			if err != nil {
				return err
			}
			switch r.Severity {
			case doctor.Error:
				return &exitError{exitFinding}
			case doctor.Warning:
				return &exitError{exitWarning}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

// examination returns doctor's report about t. Other commands use it as well.
func (a *app) examination(cmd *cobra.Command, t *target) doctor.Report {
	return doctor.Examine(a.facts(cmd, t))
}

func severityColor(s doctor.Severity) *color.Color {
	switch s {
	case doctor.Error:
		return color.New(color.FgRed)
	case doctor.Warning:
		return color.New(color.FgYellow)
	case doctor.OK:
		return color.New(color.FgGreen)
	}
	return color.New(color.Faint)
}

// printExamination prints the worst finding first, and each consequence below its cause.
func printExamination(w io.Writer, r doctor.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", severityColor(r.Severity).Sprint("●"), color.New(color.Bold).Sprint(oneLine(r.Service)), summary(r))
	shown := map[string]bool{} // causes whose consequences were printed
	for _, f := range r.Findings {
		if f.BecauseOf != "" {
			continue
		}
		printFinding(&b, f, "")
		for _, follows := range r.Findings {
			if follows.BecauseOf == f.ID && !shown[f.ID] {
				printFinding(&b, follows, "so: ")
			}
		}
		shown[f.ID] = true
	}
	var well []string
	for _, c := range r.Checks {
		if c.Severity == doctor.OK {
			well = append(well, c.Name)
		}
	}
	if len(well) > 0 {
		fmt.Fprintf(&b, "%s  %s\n", severityColor(doctor.OK).Sprintf("%9s", doctor.OK), strings.Join(well, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printFinding(b *strings.Builder, f doctor.Finding, follows string) {
	line := func(text string) { fmt.Fprintf(b, "%9s  %s\n", "", oneLine(text)) }
	fmt.Fprintf(b, "%s  %s%s\n", severityColor(f.Severity).Sprintf("%9s", f.Severity), follows, oneLine(f.Cause))
	if follows != "" { // first of all, its cause has to be fixed
		return
	}
	for _, d := range f.Details {
		line("| " + d)
	}
	if f.Fix != "" {
		line("$ " + f.Fix)
	}
	if f.See != "" {
		line("more: " + f.See)
	}
}

// summary says how many findings there are of each severity.
func summary(r doctor.Report) string {
	var parts []string
	for _, s := range []doctor.Severity{doctor.Error, doctor.Warning, doctor.Note} {
		n := 0
		for _, f := range r.Findings {
			if f.Severity == s {
				n++
			}
		}
		switch {
		case n == 1:
			parts = append(parts, severityColor(s).Sprintf("1 %s", s))
		case n > 1:
			parts = append(parts, severityColor(s).Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return severityColor(doctor.OK).Sprint("nothing is wrong")
	}
	return strings.Join(parts, ", ")
}
