package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A finding is one thing that is wrong with the configuration, as shown by `check`.
type finding struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Key     string `json:"key,omitempty"`
	Problem string `json:"problem"`
	// Severity is "warning" if the service can still be installed and started. Otherwise it is
	// empty.
	Severity string `json:"severity,omitempty"`
}

// String returns FILE:LINE: KEY: PROBLEM on one line, as far as each part is known.
func (f finding) String() string {
	text := f.Problem
	if f.Severity != "" {
		text = f.Severity + ": " + text
	}
	if f.Key != "" {
		text = f.Key + ": " + text
	}
	switch {
	case f.Line > 0:
		text = fmt.Sprintf("%s:%d: %s", f.File, f.Line, text)
	case f.File != "":
		text = f.File + ": " + text
	}
	return logsink.Printable(strings.ReplaceAll(text, "\n", "; "))
}

// findings returns the findings for err. There is at least one if err is not nil.
func findings(err error) []finding {
	all := []finding{}
	for _, e := range service.ConfigErrors(err) {
		f := finding{File: e.File, Line: e.Line, Key: e.Key, Problem: e.Err.Error()}
		if !slices.Contains(all, f) { // everybody who reads a file that is no TOML reports the same
			all = append(all, f)
		}
	}
	return all
}

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check whether the service could start",
		Long: "Check whether the service could start with its present configuration, without touching it: the " +
			"[service] table and the program's own tables, whether its user and groups exist, whether its user can read the " +
			"configuration, whether the directories that it needs are there, and whether the manager (or --manager NAME) can honour all settings.\n\n" +
			"Each finding is one line, FILE:LINE: KEY: PROBLEM. Exit code: 0 no findings but warnings, 78 otherwise. " +
			"`install`, `start` and `restart` begin with the same check, and `reload` with what a reload reads.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.target(cmd)
			if err == nil {
				err = service.BadConfig(a.precheck(cmd.Context(), t), a.definable(cmd.Context(), t))
			} else if errors.Is(err, service.ErrConfig) {
				err = service.BadConfig(err, a.checkTables(cmd.Context(), a.cfg))
			}
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			if err != nil && !errors.Is(err, service.ErrConfig) {
				return err // it is not about the configuration
			}
			var warnings []finding
			if t != nil {
				warnings = a.warnings(cmd.Context(), t)
			}
			return a.showFindings(cmd, findings(err), warnings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

// warnings returns the warnings of an install, with their places.
func (a *app) warnings(ctx context.Context, t *target) []finding {
	if a.elsewhere() {
		return nil
	}
	texts := t.alarmWarnings()
	if w, ok := t.manager.(platform.Warner); ok {
		if u, err := t.cfg.Unit(a.wouldBe(t), t.id.Scope); err == nil {
			texts = append(texts, w.Warnings(ctx, u)...)
		}
	}
	var all []finding
	for _, text := range texts {
		f := finding{Problem: text, Severity: "warning"}
		key, problem, _ := strings.Cut(text, ": ")
		if slices.ContainsFunc(service.Keys(), func(k service.Key) bool { return k.Name == key }) {
			at := t.cfg.ErrorAt("service."+key, errors.New(problem))
			f.File, f.Line, f.Key, f.Problem = at.File, at.Line, at.Key, problem
		}
		all = append(all, f)
	}
	return all
}

func (a *app) showFindings(cmd *cobra.Command, found, warnings []finding, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		err := writeJSON(out, struct {
			OK       bool      `json:"ok"`
			File     string    `json:"file,omitempty"`
			Findings []finding `json:"findings"`
			Warnings []finding `json:"warnings,omitempty"`
		}{len(found) == 0, a.cfg.File, found, warnings})
		if err != nil {
			return err
		}
	} else {
		if len(found)+len(warnings) > 0 && isTerminal(notes(cmd)) {
			fmt.Fprintf(notes(cmd), "- checked %s\n", orBuiltIn(a.cfg.File))
		}
		for _, f := range slices.Concat(found, warnings) {
			fmt.Fprintln(out, f)
		}
	}
	if len(found) > 0 {
		return &exitError{platform.ExitBadConfig}
	}
	if !asJSON && len(warnings) == 0 && isTerminal(confirms(cmd)) { // scripts and pipes get problems only
		fmt.Fprintf(out, "%s: nothing is wrong with %s.\n", a.cfg.Name, orBuiltIn(a.cfg.File))
	}
	return nil
}

func orBuiltIn(file string) string {
	if file == "" {
		return "its built-in configuration"
	}
	return file
}

// precheck returns everything that would keep the service from starting on this machine, as
// far as it can be known beforehand. The error wraps [service.ErrConfig]. precheck changes
// nothing.
func (a *app) precheck(ctx context.Context, t *target) error {
	errs := []error{a.checkProgram(ctx, t)}
	if a.elsewhere() { // the accounts and directories of this machine do not matter there
		return service.BadConfig(errs...)
	}
	account, err := t.account(ctx)
	if err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, t.checkReadable(account), t.checkExecutable(account))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return service.BadConfig(append(errs, t.checkDirectories(), t.checkSockets(ctx))...)
}

// checkProgram returns what the program itself finds wrong.
func (a *app) checkProgram(ctx context.Context, t *target) error {
	_, err := leavable(ctx, func() (struct{}, error) { return struct{}{}, service.CheckProgram(ctx, t.cfg, a.prog) })
	return err
}

// checkTables returns what is wrong with the program's own tables. It is for the case that the
// program cannot be asked for more: [service] is bad, or the file does not exist yet.
func (a *app) checkTables(ctx context.Context, cfg service.Config) error {
	p, ok := a.prog.(service.TableProvider)
	if !ok {
		return nil
	}
	alone := struct {
		service.Program
		service.TableProvider
	}{a.prog, p}
	_, err := leavable(ctx, func() (struct{}, error) { return struct{}{}, service.CheckProgram(ctx, cfg, alone) })
	return err
}

// checkReload returns what can be known beforehand about the outcome of a reload. It ignores
// files that we may not read, because the service itself may be able to read them.
func (a *app) checkReload(ctx context.Context, t *target) error {
	err := t.badFile
	if err == nil {
		err = service.BadConfig(a.checkProgram(ctx, t))
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrPermission):
		return nil
	}
	return err
}
