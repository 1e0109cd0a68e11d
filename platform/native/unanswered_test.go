package native_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A deaf is a machine with the files of an installed service, on which no command ever ends.
type deaf struct {
	platform.System
	files map[string]string
	asked []string
}

func (d *deaf) ReadFile(path string) ([]byte, error) {
	content, ok := d.files[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

func (d *deaf) Stat(path string) (fs.FileInfo, error) {
	if _, ok := d.files[path]; !ok {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return os.Stat(".")
}

func (d *deaf) Run(ctx context.Context, argv ...string) (string, error) {
	d.asked = append(d.asked, strings.Join(argv, " "))
	<-ctx.Done()
	return "", &platform.CommandError{Argv: argv, Code: -1, Err: context.Cause(ctx)}
}

// A command of ours hung for as long as `rc-service feedd status` did. Every question to a
// manager has an end of its own, and says which one was not answered, also if nobody limits it.
func TestAManagerThatNeverAnswers(t *testing.T) {
	const most = 4 * time.Minute // for the few questions of one answer
	foreign := map[string]string{
		"openrc": "/etc/init.d/feedd", "sysv": "/etc/init.d/feedd",
		"systemd": "/etc/systemd/system/feedd.service", "launchd": "/Library/LaunchDaemons/feedd.plist",
	}
	ask := map[string]string{
		"openrc": "rc-service --nocolor feedd status", "sysv": "/etc/init.d/feedd status", "launchd": "launchctl print system/feedd", "systemd": "systemctl show feedd.service",
	}
	for _, p := range places() {
		if p.manager == "scm" || p.container() || p.scope == platform.ScopeUser {
			continue // nobody runs a command there; a user's manager is asked by the same code
		}
		id := p.unit().ID
		m, err := native.ManagerOn(p.manager, bare{}, native.Login{})
		if err != nil {
			t.Fatal(err)
		}
		steps, err := m.Plan(t.Context(), p.unit())
		if err != nil {
			t.Fatal(err)
		}
		installed := map[string]string{"/run/openrc": ""}
		for _, s := range steps {
			if s.Kind == platform.StepWriteFile {
				installed[s.Path] = string(s.Content)
			}
		}
		adopt := p.unit()
		adopt.Adopt = true
		needy := p.unit()
		needy.NeedsNetwork, needy.After = true, []string{"db"}
		for _, question := range []struct {
			name  string
			files map[string]string
			ask   func(context.Context, platform.Manager) error
			fails bool
		}{
			{"status", installed, func(ctx context.Context, m platform.Manager) error { _, err := m.Status(ctx, id); return err }, true},
			{"removal", installed, func(ctx context.Context, m platform.Manager) error { _, err := m.Removal(ctx, id); return err }, true},
			{"plan", installed, func(ctx context.Context, m platform.Manager) error { _, err := m.Plan(ctx, p.unit()); return err }, false},
			{"take-over", map[string]string{foreign[p.manager]: "#!/bin/sh\n"}, func(ctx context.Context, m platform.Manager) error { _, err := m.Plan(ctx, adopt); return err }, true},
			{"warnings", installed, func(ctx context.Context, m platform.Manager) error {
				if w, ok := m.(platform.Warner); ok {
					w.Warnings(ctx, needy)
				}
				return nil
			}, false},
			{"survey", installed, func(ctx context.Context, m platform.Manager) error {
				if s, ok := m.(platform.Surveyor); ok {
					_, err := s.Unsettled(ctx, id.Scope)
					return err
				}
				return nil
			}, false},
		} {
			t.Run(fmt.Sprint(p.manager, ", ", question.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					machine := &deaf{files: question.files}
					m, err := native.ManagerOn(p.manager, machine, native.Login{})
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
					defer cancel()
					begun := time.Now()
					err = question.ask(ctx, m)
					if took := time.Since(begun); took > most {
						t.Errorf("it ends after %v", took)
					}
					if question.fails && (!errors.Is(err, platform.ErrTimeout) || !strings.Contains(err.Error(), ask[p.manager]) || !strings.Contains(err.Error(), ": took too long: no answer within")) {
						t.Errorf("it says %v, after %q", err, machine.asked)
					}
				})
			})
		}
	}
}

// openrc-run 0.56 now and then loses a child that ends while it is held up, and never answers: seen in `doctor`, which then
// said that OpenRC does not report the state. It is asked once more, within the time of the command.
func TestOpenRCIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &hangsOnce{deaf{files: map[string]string{"/etc/init.d/feedd": "#!/sbin/openrc-run\n# Made by holdfast\n"}}}
		m, err := native.ManagerOn("openrc", machine, native.Login{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if st, err := m.Status(ctx, platform.ID{Name: "feedd", Scope: platform.ScopeSystem}); err != nil || st.Phase != platform.PhaseStopped {
			t.Errorf("%+v, %v, after %q", st, err, machine.asked)
		}
	})
}

// hangsOnce answers the second question about the status, and all others at once.
type hangsOnce struct{ deaf }

func (h *hangsOnce) Run(ctx context.Context, argv ...string) (string, error) {
	switch {
	case argv[0] != "rc-service":
		return "", nil
	case len(h.asked) == 0:
		return h.deaf.Run(ctx, argv...)
	}
	h.asked = append(h.asked, strings.Join(argv, " "))
	return "", &platform.CommandError{Argv: argv, Code: 3}
}
