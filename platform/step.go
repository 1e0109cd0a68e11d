package platform

import (
	"context"
	"io/fs"
	"time"
)

// A StepKind says what a Step does.
type StepKind string

// The kinds of step that every installer can carry out through a [System]. The comments name
// the fields of [Step] that each kind uses.
const (
	StepWriteFile  StepKind = "write-file"  // Path, Mode, Content: creates or replaces the file atomically
	StepCopyFile   StepKind = "copy-file"   // Source, Path, Mode: like write-file, with the content that Source has at that time
	StepMakeDir    StepKind = "make-dir"    // Path, Mode: makes the directory and its missing parents; existing ones stay unchanged
	StepRemoveFile StepKind = "remove-file" // Path: which may be absent
	StepRemoveDir  StepKind = "remove-dir"  // Path with its contents, which may be absent; cannot be undone, so the steps after it are always finished
	StepDropDir    StepKind = "drop-dir"    // Path, if it exists and is empty: the inverse of make-dir
	StepRun        StepKind = "run"         // Argv: undone by Undo and Back
	StepStart      StepKind = "start"       // starts the service through the installer's manager, unless it is already running; undone by Back
	StepStop       StepKind = "stop"        // likewise stops the service, unless it is stopped already, and waits for its end
)

// A Step is one change to the machine, as data. It can be shown, compared, carried out and, if
// a later step fails, undone.
type Step struct {
	Kind     StepKind
	Describe string // one line for people: what and why

	Path    string      // the file
	Source  string      // of a copied file: the original
	Mode    fs.FileMode // of a written file
	Content []byte      // of a written file
	// Owner is the owner of a written file, if the [System] implements [Owners]. If it is nil,
	// the file belongs to the user who writes it.
	Owner *Owner

	Argv []string // the command
	// Undo is the command that undoes Argv, or nil if nothing has to be undone. It must also
	// succeed if Argv has not run, and if Undo itself has run before.
	Undo []string
	// Back has further steps that undo Argv, in order, after Undo. They are for what a single
	// command cannot do, and must succeed under the same conditions.
	Back []Step
	// MayFail means that the later steps do not depend on this command. If it fails, the
	// failure is only logged.
	MayFail bool
	// If Until is not 0, Argv is run repeatedly until it exits with this code, for at most
	// Within. It waits for an operation that one command of the manager has begun, and whose
	// end another one shows.
	Until  int
	Within time.Duration

	// Stops marks the step that stops a service which ran under the definition that the plan
	// replaces. Whoever carries out the plan starts the service again at the end.
	Stops bool

	// Payload is the data for a step of another kind, for the [Applier] that knows that kind.
	// It is nil for the kinds above. It is encoded as a JSON object, whose keys stand beside
	// the step's own keys in a plan.
	Payload any
}

// An Owner is the owner and the group of a file on Unix, as numbers.
type Owner struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Owners is a [System] whose files have owners. Its methods do not follow links.
type Owners interface {
	Owner(path string) (Owner, error)
	Chown(path string, o Owner) error
}

// A DirMaker is a [System] that can carry out [StepMakeDir].
type DirMaker interface {
	// MakeDir makes path and its missing parents with exactly that mode, regardless of the
	// umask. It refuses a directory that everybody can write to.
	MakeDir(path string, mode fs.FileMode) error
}

// An Applier is a [System] that can carry out further kinds of step. Windows has such kinds.
//
// A step has the payload that the manager gave it. If it was read from a file, the payload is
// an [encoding/json.RawMessage] instead.
type Applier interface {
	// Apply carries out a step of one of these kinds. It succeeds if nothing is left to do.
	Apply(ctx context.Context, s Step) error
	// Inverse returns the steps that restore the present state. It is called before s is
	// carried out, and changes nothing. If s would change nothing, it returns no steps. The
	// steps must also succeed if s has not been carried out, and if they have been carried out
	// before.
	Inverse(ctx context.Context, s Step) ([]Step, error)
}

// A System is the machine as managers and installers use it. platform/native has the real one;
// tests use a simulator.
type System interface {
	ReadFile(path string) ([]byte, error)
	// WriteFile replaces path atomically and durably, with exactly that mode.
	WriteFile(path string, content []byte, mode fs.FileMode) error
	// Remove durably removes a file or an empty directory. The error wraps fs.ErrNotExist if
	// path does not exist. After any other error path may still exist, or may come back after
	// a crash of the machine. In both cases it is right to remove it, or to write it, again.
	Remove(path string) error
	RemoveAll(path string) error // returns nil if path does not exist
	Stat(path string) (fs.FileInfo, error)
	// Run runs argv without a shell and returns its standard output. If the exit code is not
	// 0, the error is a [*CommandError].
	Run(ctx context.Context, argv ...string) (stdout string, err error)
}
