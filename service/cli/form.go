package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// verbs are the commands that act on the service. Their errors have the form VERB "NAME":
// REASON, after the name of the program.
var verbs = [...]string{
	runName, "install", "uninstall", "plan", "start", "stop", "restart", "reload", "status", "doctor", "logs", "upgrade", "rollback", "versions", "config show",
	"work list", "work show", "work rerun", "work abort", "work release",
}

// A formedError is an error in that form. It does not repeat a verb or name that the error
// already starts with.
type formedError struct {
	error
	verb, id string
}

func (e *formedError) Unwrap() error { return e.error }

func (e *formedError) Error() string {
	text := e.error.Error()
	name := fmt.Sprintf("%q: ", e.id)
	if first, rest, ok := strings.Cut(text, " "); ok && strings.HasPrefix(rest, name) && !strings.ContainsAny(first, `:"`) {
		return text // it starts with this verb, or with one that is a part of it
	}
	return e.verb + " " + name + strings.TrimPrefix(strings.TrimPrefix(text, e.verb+": "), name)
}

// inForm returns err in the form that all commands use.
func (a *app) inForm(cmd *cobra.Command, err error) error {
	if err == nil || Silent(err) || isUsage(err) {
		return err
	}
	verb := cmd.Name()
	if p := cmd.Parent(); p != nil && p != a.root && p.HasParent() && (p.Name() == "config" || p.Name() == "work") {
		verb = p.Name() + " " + verb
	}
	if !slices.Contains(verbs[:], verb) {
		return err
	}
	return &formedError{err, verb, a.cfg.ID("").String()}
}
