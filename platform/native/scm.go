package native

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// services returns the manager for the SCM of this machine, if it has one.
func services() *scm.Manager {
	return scm.New(reader{}, scm.Local{}, scm.Options{Dirs: scmDirs, Monotonic: proc.Monotonic, State: state.Read})
}

// A reader is a System that reads only files which services have written about themselves.
type reader struct{ System }

func (reader) ReadFile(path string) ([]byte, error) {
	content, _, err := files.Read(path, files.MaxRecord)
	return content, err
}

// scmDirs returns the directories of a service of the SCM: those of this machine if it runs
// Windows, or else the usual ones.
func scmDirs(id platform.ID) (scm.Dirs, error) {
	d := forRoot("windows", id.String())
	return scm.Dirs{Base: d.Config, Runtime: d.Runtime, State: d.State, Logs: d.Logs}, nil
}

var _ platform.Applier = System{}

// Apply carries out a step that consists of calls to Windows. It fails on other systems.
func (System) Apply(ctx context.Context, s platform.Step) error {
	return services().Applier().Apply(ctx, s)
}

// Inverse returns the steps that undo such a step.
func (System) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	return services().Applier().Inverse(ctx, s)
}
