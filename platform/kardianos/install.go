package kardianos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	holdfast "github.com/holdfast-dev/holdfast/service"
)

// turnWait limits the wait for another install or uninstall of the service.
const turnWait = 2 * time.Minute

// Install installs the service, completely or not at all. It fails if the service is installed
// already, unless the library has made the definition for this program: that is replaced.
func (s *adoptee) Install() error {
	c, t := s.settings()
	if s.options().script(s.system.String()) != "" { // the template says everything
		t.strange, t.refused = s.options().strange(), nil
		c = holdfast.Config{Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, Hardening: unhardened(""), Guest: c.Guest}
	}
	for _, text := range t.strange {
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.config.Name, text)
	}
	if err := errors.Join(t.refused...); err != nil {
		return err
	}
	m, err := s.manager()
	if err != nil {
		return err
	}
	program, err := s.executable()
	if err != nil {
		return err
	}
	return s.alone("install", func(ctx context.Context, journal string) error {
		d, err := s.definition(m)
		if err != nil {
			return err
		}
		theirs := d != nil && !d.Ours && s.names(d, program)
		if d != nil && !theirs {
			return s.exists(d)
		}
		u, err := c.Unit(program, s.id().Scope)
		if err != nil {
			return err
		}
		u.Claim = theirs
		steps, err := m.Plan(ctx, u)
		if err == nil {
			steps, err = s.byTemplate(steps, program)
		}
		if err != nil {
			return err
		}
		if step := s.definitionOf(steps); theirs && step != nil && s.unchanged(d.Path, step.Content) {
			return s.exists(d)
		}
		if !theirs {
			return carryOut(ctx, s.keeper(m), "install", journal, steps)
		}
		s.showChange(ctx, m, d.Path, steps)
		return s.whileStopped(func() error { return carryOut(ctx, s.keeper(m), "install", journal, steps) })
	})
}

// whileStopped replaces the definition of a running service. On SysV only the old script knows
// its process. So the old script stops it, and it is started again afterwards, even if do
// fails.
func (s *adoptee) whileStopped(do func() error) error {
	if st, err := s.plain.Status(); s.system.manager != "sysv" || err != nil || st != service.StatusRunning {
		return do()
	}
	if err := s.plain.Stop(); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, s.Start())
}

// exists returns the error of an install over an existing definition, in the library's own
// words.
func (s *adoptee) exists(d *platform.Definition) error {
	if s.system.manager == "scm" {
		return fmt.Errorf("service %s already exists", s.config.Name)
	}
	return fmt.Errorf("%s already exists: %s", "Init", d.Path)
}

func (s *adoptee) unchanged(path string, content []byte) bool {
	now, err := native.System{}.ReadFile(path)
	return err == nil && bytes.Equal(now, content)
}

// Uninstall stops the service and removes it. If the service itself calls Uninstall, it goes
// on until it ends by itself. But Windows and launchd do not remove a running service, and a
// supervisor would restart one that is not installed any more. So there a process that outlives
// the service stops and removes it.
func (s *adoptee) Uninstall() error {
	m, err := s.manager()
	if err != nil {
		return err
	}
	return s.alone("uninstall", func(ctx context.Context, journal string) error {
		d, err := s.definition(m)
		switch {
		case err != nil:
			return err
		case d == nil:
			return fmt.Errorf("uninstall %q: %w", s.config.Name, inTerms(platform.ErrNotInstalled))
		case d.Ours && s.held() && s.isItself():
			return s.leave("uninstall")
		case d.Ours || d.State == platform.DefinitionMasked:
			return s.remove(ctx, m, journal)
		}
		if err := s.plain.Uninstall(); err != nil {
			return err
		}
		return s.unlink()
	})
}

// held reports whether the service has to be stopped before it is removed. systemd forgets the restart policy with the unit, and
// nobody watches the process that a script of SysV has started.
func (s *adoptee) held() bool {
	switch s.system.manager {
	case "systemd":
		return false
	case "sysv":
		c, _ := s.settings()
		return c.Supervise
	}
	return true
}

// unlink removes the links by which SysV starts a script, which the library leaves behind.
func (s *adoptee) unlink() error {
	if s.system.manager != "sysv" {
		return nil
	}
	links, err := filepath.Glob("/etc/rc?.d/[SK][0-9][0-9]" + s.config.Name)
	for _, link := range links {
		if _, gone := os.Stat(link); errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, native.System{}.Remove(link))
		}
	}
	return err
}

func (s *adoptee) remove(ctx context.Context, m platform.Manager, journal string) error {
	steps, err := m.Removal(ctx, s.id())
	if err != nil {
		return err
	}
	if s.isItself() {
		steps = slices.DeleteFunc(steps, func(step platform.Step) bool {
			return step.Kind == platform.StepStop || slices.Contains(step.Argv, "stop")
		})
	}
	return carryOut(ctx, s.keeper(m), "uninstall", journal, steps)
}

func (s *adoptee) keeper(m platform.Manager) platform.System {
	return installer.ServiceApplier{System: native.System{}, Manager: m, ID: s.id()}
}

// alone runs do while no other process changes the installation of the service. It first
// finishes an interrupted operation.
func (s *adoptee) alone(verb string, do func(ctx context.Context, journal string) error) error {
	ctx := context.Background()
	manifest, err := native.ManifestFile(s.id())
	if err != nil {
		return err
	}
	turn, cancel := context.WithTimeoutCause(ctx, turnWait, platform.ErrTimeout)
	defer cancel()
	release, err := installer.Lock(turn, state.LockPath(manifest), verb, func(error) {})
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, s.config.Name, err)
	}
	defer release()
	ctx, done := s.inTime(ctx)
	defer done()
	m, err := s.manager()
	if err != nil {
		return err
	}
	journal := state.JournalPath(manifest)
	if _, err := installer.Resume(ctx, s.keeper(m), journal, nil); err != nil {
		return fmt.Errorf("%s %q: an earlier one was interrupted: %w", verb, s.config.Name, err)
	}
	return do(ctx, journal)
}

func carryOut(ctx context.Context, sys platform.System, verb, journal string, steps []platform.Step) error {
	tx := installer.Begin(sys, installer.Job{Verb: verb, Journal: journal})
	if err := tx.Apply(ctx, steps); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// definitionOf returns the step that writes the definition itself.
func (s *adoptee) definitionOf(steps []platform.Step) *platform.Step {
	for i := range steps {
		switch name := filepath.Base(steps[i].Path); {
		case steps[i].Kind != platform.StepWriteFile:
		case name == s.config.Name, name == s.config.Name+".service", name == s.config.Name+".plist":
			return &steps[i]
		}
	}
	return nil
}
