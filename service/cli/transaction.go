package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// turnWait limits the wait for another install or uninstall, unless --timeout does.
const turnWait = 2 * time.Minute

// alone runs do while no other process changes the installation of the service. Before that,
// it finishes or rolls back an interrupted install or uninstall.
func (a *app) alone(cmd *cobra.Command, verb string, do func() error) error {
	t := &target{machine: a.machine}
	if a.manager != "none" {
		t.manager, _ = a.Manager(a.manager) // do reports why there is none
	}
	scope, err := a.chooseScope(cmd.Context(), t)
	if err != nil {
		return err
	}
	t.id = a.cfg.ID(scope)
	manifest, err := a.Manifest(t.id)
	if err != nil || scope == platform.ScopeSystem && a.Scope() != platform.ScopeSystem {
		return do() // which refuses
	}
	release, err := a.turn(cmd, verb, state.LockPath(manifest))
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, t.id, err)
	}
	defer release()
	if err := a.resume(cmd, t, state.JournalPath(manifest)); err != nil {
		return fmt.Errorf("%s %q: %w", verb, t.id, err)
	}
	return do()
}

// turn waits until no other process changes the installation.
func (a *app) turn(cmd *cobra.Command, verb, path string) (release func(), err error) {
	limit := a.timeout
	if limit <= 0 {
		limit = turnWait
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), limit, platform.ErrTimeout)
	defer cancel()
	return installer.Lock(ctx, path, verb, func(busy error) {
		fmt.Fprintf(notes(cmd), "- waiting: %v\n", busy)
	})
}

// resume finishes or rolls back an interrupted install or uninstall.
func (a *app) resume(cmd *cobra.Command, t *target, journal string) error {
	p, err := installer.Resume(cmd.Context(), t.keeper(), journal, func(s platform.Step, err error) {
		if err != nil && s.Kind == platform.StepStart {
			fmt.Fprintf(cmd.ErrOrStderr(), "- the service could not be restarted: %v\n", err)
		}
	})
	switch {
	case err != nil && p != nil:
		return fmt.Errorf("an earlier %v, was interrupted at %q, and cannot be finished or undone: %w: repair that, or remove %s", p.Actor, p.Step, err, journal)
	case err != nil:
		return err
	case p != nil && p.Forth:
		fmt.Fprintf(cmd.ErrOrStderr(), "- an earlier %v, was interrupted at %q: finishing it\n", p.Actor, p.Step)
	case p != nil:
		fmt.Fprintf(cmd.ErrOrStderr(), "- an earlier %v, was interrupted at %q: undoing it\n", p.Actor, p.Step)
	}
	return nil
}

// keeper returns the machine that can also start and stop the service.
func (t *target) keeper() platform.System {
	if t.manager == nil {
		return t.commands()
	}
	return installer.ServiceApplier{System: t.commands(), Manager: patient{t.manager, t}, ID: t.id}
}

// transaction begins a change of the installation. The caller must hold the lock.
func (t *target) transaction(cmd *cobra.Command, verb string) *installer.Transaction {
	job := installer.Job{Verb: verb, Report: func(s platform.Step, err error) {
		switch {
		case err == nil:
			fmt.Fprintf(notes(cmd), "- %s\n", s.Describe)
		case s.Kind == platform.StepStart:
			t.notStarted = err
		default: // the step may fail, and nobody can do anything about it
		}
	}}
	if manifest, err := t.Manifest(t.id); err == nil {
		job.Journal = state.JournalPath(manifest)
	}
	return installer.Begin(t.keeper(), job)
}

// pending says that an install or uninstall was interrupted. It is empty if none was.
func (t *target) pending() string {
	text, _ := t.unfinished()
	return text
}

// unfinished says that an install or uninstall is running or was interrupted, and which one as
// far as known. It is empty if there is none.
func (t *target) unfinished() (text string, cut bool) {
	manifest, err := t.Manifest(t.id)
	if err != nil {
		return "", false
	}
	journal := state.JournalPath(manifest)
	if _, err := t.System.Stat(journal); err != nil {
		return "", false
	}
	const then = "the next install or uninstall"
	who, err := installer.Busy(state.LockPath(manifest))
	switch {
	case err != nil:
		return "an install or uninstall is under way, or was interrupted: ask " + privileged, false
	case who != nil:
		return fmt.Sprintf("an install or uninstall is under way (%v)", *who), false
	}
	switch p, err := installer.Interrupted(journal); {
	case err != nil:
		return fmt.Sprintf("an install or uninstall was interrupted (%v)", err), true
	case p == nil: // it has just finished
		return "", false
	case p.Forth:
		return fmt.Sprintf("an %s was interrupted at %q: %s finishes it", p.Verb, p.Step, then), true
	default:
		return fmt.Sprintf("an %s was interrupted at %q: %s undoes it", p.Verb, p.Step, then), true
	}
}
