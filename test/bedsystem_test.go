//go:build linux

package test_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/test/bed"
)

// bedSystem is a bed as managers and installers see a machine, with the rights of root or of
// one user.
type bedSystem struct {
	*bed.Bed
	user string // empty: root
}

var _ platform.System = bedSystem{}

func (s bedSystem) ReadFile(path string) ([]byte, error) { return s.Read(path) }

func (s bedSystem) WriteFile(path string, content []byte, mode fs.FileMode) error {
	if s.user == "" {
		return s.Write(path, content, mode)
	}
	cmd := s.CommandAs(context.Background(), s.user, "sh", "-c", `cat > "$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"`, "sh", path, fmt.Sprintf("%o", mode))
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write %s: %w: %s", path, err, out)
	}
	return nil
}

func (s bedSystem) Remove(path string) error {
	_, err := s.Run(context.Background(), "rm", "--", path)
	return err
}

func (s bedSystem) RemoveAll(path string) error {
	_, err := s.Run(context.Background(), "rm", "-rf", "--", path)
	return err
}

func (s bedSystem) Stat(path string) (fs.FileInfo, error) {
	if _, err := s.Run(context.Background(), "test", "-e", path); err != nil {
		return nil, fs.ErrNotExist
	}
	return nil, nil // that it is there is all that is asked
}

func (s bedSystem) Run(ctx context.Context, argv ...string) (string, error) {
	stdout, stderr, code, err := s.RunAs(ctx, s.user, argv...)
	if err != nil || code != 0 {
		if err != nil {
			code = -1
		}
		return stdout, &platform.CommandError{Argv: argv, Code: code, Stderr: stderr, Err: err}
	}
	return stdout, nil
}

// apply carries out steps as an installer does.
func (s bedSystem) apply(t *testing.T, steps []platform.Step, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := s.one(t.Context(), step); err != nil && !step.MayFail {
			t.Fatalf("%s: %v", step.Describe, err)
		}
	}
}

// undo undoes steps in reverse order. previous has the contents of files that existed before.
func (s bedSystem) undo(t *testing.T, steps []platform.Step, previous map[string][]byte) {
	t.Helper()
	for i := len(steps) - 1; i >= 0; i-- {
		var err error
		switch step := steps[i]; {
		case step.Kind == platform.StepRun && step.Undo != nil:
			_, err = s.Run(t.Context(), step.Undo...)
		case step.Kind == platform.StepWriteFile || step.Kind == platform.StepRemoveFile:
			if content, ok := previous[step.Path]; ok {
				err = s.WriteFile(step.Path, content, 0o644)
			} else {
				err = s.Remove(step.Path)
			}
		}
		if err != nil {
			t.Fatalf("undo %s: %v", steps[i].Describe, err)
		}
	}
}

func (s bedSystem) one(ctx context.Context, step platform.Step) error {
	switch step.Kind {
	case platform.StepWriteFile:
		return s.WriteFile(step.Path, step.Content, step.Mode)
	case platform.StepRemoveFile:
		return s.Remove(step.Path)
	case platform.StepRemoveDir:
		return s.RemoveAll(step.Path)
	case platform.StepRun:
		_, err := s.Run(ctx, step.Argv...)
		return err
	}
	return fmt.Errorf("step %q: %w", step.Kind, errors.ErrUnsupported)
}

// managerOn returns the manager of that name on the machine that sys reaches.
func managerOn(t *testing.T, name string, sys platform.System, who native.Login) platform.Manager {
	t.Helper()
	m, err := native.ManagerOn(name, sys, who)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// bareSystem is a machine with nothing on it.
type bareSystem struct{ platform.System }

func (bareSystem) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (bareSystem) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
func (bareSystem) Run(_ context.Context, argv ...string) (string, error) {
	return "", &platform.CommandError{Argv: argv, Code: 127, Err: exec.ErrNotFound}
}

// render returns the definition that the manager writes for u.
func render(t *testing.T, manager string, u platform.Unit) ([]byte, error) {
	t.Helper()
	steps, err := managerOn(t, manager, bareSystem{}, native.Login{}).Plan(t.Context(), u)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if s.Kind == platform.StepWriteFile {
			return s.Content, nil
		}
	}
	t.Fatalf("%s: no file among %d steps", manager, len(steps))
	return nil, nil
}

// installProbe puts the probe into the bed.
func installProbe(t *testing.T, b *bed.Bed, path string) {
	t.Helper()
	out, err := buildProbe()
	if err == nil {
		err = b.Put(out, path, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
