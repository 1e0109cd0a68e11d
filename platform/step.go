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
	StepMakeDir    StepKind = "make-dir"    // Path, Mode: made with what is missing above it; what is there stays as it is
	StepRemoveFile StepKind = "remove-file" // Path: absent is fine
	StepRemoveDir  StepKind = "remove-dir"  // Path with all below it: absent is fine; never taken back, so what comes behind it is finished
	StepDropDir    StepKind = "drop-dir"    // Path, if it is there and empty: what takes a directory back that was made
	StepRun        StepKind = "run"         // Argv; Undo and Back take it back
	StepStart      StepKind = "start"       // the service, by its manager, which the installer knows; it may run already; Back takes it back
	StepStop       StepKind = "stop"        // likewise: it is gone when that is done, and may be so already
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
	// Owner is whom a written file is given to, by a [System] that is [Owners]; nil: it
	// is whoever's writes it.
	Owner *Owner

	Argv []string // the command
	// Undo is the command that takes Argv back; nil if nothing has to be. It may be run
	// where Argv was not, and again: then it has to succeed, too.
	Undo []string
	// Back are the steps that take it back after Undo, in this order, likewise: for
	// what one command alone cannot do so.
	Back []Step
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

// Owner is whose a file is on Unix, by numbers.
type Owner struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Owners is a [System] whose files have owners. Neither call follows a link.
type Owners interface {
	Owner(path string) (Owner, error)
	Chown(path string, o Owner) error
}

// DirMaker is a [System] that can make directories: [StepMakeDir].
type DirMaker interface {
	// MakeDir makes path and what is missing above it with exactly that mode, whatever
	// the umask. It refuses a directory that everybody can write to.
	MakeDir(path string, mode fs.FileMode) error
}

// Applier is a [System] with more to it than files and commands: Windows.
//
// The steps of its own kinds come with the payload that the manager gave them, or,
// where they have lain in a file meanwhile, with that as a [encoding/json.RawMessage].
type Applier interface {
	// Apply carries out a step of a kind of its own. What is done already is no error.
	Apply(ctx context.Context, s Step) error
	// Inverse returns, before s is carried out, the steps that take it back: to what
	// is there now. It changes nothing; none are returned where s would change nothing.
	// They may be carried out where s was not, and again.
	Inverse(ctx context.Context, s Step) ([]Step, error)
}

// System is the machine as managers and installers reach it. platform/native
// has the real one; tests hand in a simulator.
type System interface {
	ReadFile(path string) ([]byte, error)
	// WriteFile replaces path atomically and durably, with exactly that mode.
	WriteFile(path string, content []byte, mode fs.FileMode) error
	// Remove removes a file or an empty directory, durably: fs.ErrNotExist if it is not
	// there. After any other error it is there still, or it is gone and a crash of the
	// machine can bring it back: to remove it again, or to write it again, is right in both.
	Remove(path string) error
	RemoveAll(path string) error // nil if it is not there
	Stat(path string) (fs.FileInfo, error)
	// Run runs argv without a shell and returns its standard output. If it ends
	// with another code than 0 the error is a [*CommandError].
	Run(ctx context.Context, argv ...string) (stdout string, err error)
}
