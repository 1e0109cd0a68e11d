package native

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// services are those of the SCM of this machine, if it has one.
func services() *scm.Manager {
	return scm.New(reader{}, scm.Local{}, scm.Options{Dirs: scmDirs, Monotonic: proc.Monotonic, State: state.Read})
}

// reader is a System that reads nothing but what services write of themselves.
type reader struct{ System }

func (reader) ReadFile(path string) ([]byte, error) {
	content, _, err := files.Read(path, files.MaxRecord)
	return content, err
}

// scmDirs are the directories of a service that the SCM keeps: this machine's
// where it is Windows, and the usual ones in a plan for another.
func scmDirs(id platform.ID) (scm.Dirs, error) {
	d := forRoot("windows", id.String())
	return scm.Dirs{Base: d.Config, Runtime: d.Runtime, State: d.State, Logs: d.Logs}, nil
}

var _ platform.Applier = System{}

// Apply carries out a step that is made of calls to Windows. Elsewhere it fails.
func (System) Apply(ctx context.Context, s platform.Step) error {
	return services().Applier().Apply(ctx, s)
}

// Inverse returns the steps that take such a step back.
func (System) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	return services().Applier().Inverse(ctx, s)
}
