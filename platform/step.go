package platform

import (
	"context"
	"io/fs"
	"time"
)

// StepKind says what a Step does.
type StepKind string

// The kinds of step that every installer can carry out through a [System].
const (
	StepWriteFile  StepKind = "write-file"  // Path, Mode, Content: created or replaced atomically
	StepCopyFile   StepKind = "copy-file"   // Source, Path, Mode: as write-file, with what Source has when it is carried out
	StepRemoveFile StepKind = "remove-file" // Path: absent is fine
	StepRemoveDir  StepKind = "remove-dir"  // Path with all below it: absent is fine; not undone
	StepRun        StepKind = "run"         // Argv; Undo takes it back
)

// Step is one change to the machine, as data: it can be shown, compared, carried
// out and, when a later step fails, taken back.
type Step struct {
	Kind     StepKind
	Describe string // one line for people: what and why

	Path    string      // the file
	Source  string      // of a copied file: what it is a copy of
	Mode    fs.FileMode // of a written file
	Content []byte      // of a written file

	Argv []string // the command
	Undo []string // the command that takes Argv back; nil if nothing has to be
	// MayFail marks a command whose failure stops nothing, because the steps
	// behind it do without: it is logged.
	MayFail bool
	// Until, where it is not 0, has Argv run again and again until it ends with
	// this exit code, for no longer than Within: for what a manager begins by one
	// command and is seen to have ended by another.
	Until  int
	Within time.Duration

	// Stops marks the stop of a service that ran by the definition which a plan replaces:
	// whoever carries the plan out starts it again when all is done.
	Stops bool

	// Payload is what a step of another kind is about, for the [Applier] that knows
	// that kind; nil for the kinds above. As JSON it is an object, whose keys stand
	// beside the step's own in a plan.
	Payload any
}

// Applier is a [System] with more to it than files and commands: Windows.
type Applier interface {
	// Apply carries out a step of a kind of its own. undo takes back what was done,
	// and may be there beside an error; nil if nothing was.
	Apply(ctx context.Context, s Step) (undo func(context.Context) error, err error)
}

// System is the machine as managers and installers reach it. platform/native
// has the real one; tests hand in a simulator.
type System interface {
	ReadFile(path string) ([]byte, error)
	// WriteFile replaces path atomically and durably, with exactly that mode.
	WriteFile(path string, content []byte, mode fs.FileMode) error
	Remove(path string) error    // fs.ErrNotExist if it is not there
	RemoveAll(path string) error // nil if it is not there
	Stat(path string) (fs.FileInfo, error)
	// Run runs argv without a shell and returns its standard output. If it ends
	// with another code than 0 the error is a [*CommandError].
	Run(ctx context.Context, argv ...string) (stdout string, err error)
}
