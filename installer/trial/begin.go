package trial

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Options say which trial this process could take part in.
type Options struct {
	Path    string // of the record
	Service string // name or name@instance
	Own     bool   // of a user's own service: that user's record is believed
	Starter string // who started this process: native.Starter
	// Say is called with the reason, in a sentence, if there is a candidate that was not
	// executed.
	Say func(error)
}

// Begun is the result of a [Begin] that returns. The zero value means that this is the
// confirmed version and that there is no trial.
type Begun struct {
	Trial *Trial // in the candidate; nil in the confirmed version
	// Host is the host of this process, if Begin had to find it out (on Windows): see
	// native.WithHost.
	Host platform.Host
	// Exit is set if the candidate's life was that of the service and has ended. This process
	// then only has to exit with that code.
	Exit *int
}

// Begin must be the first thing that a program does when it runs as the service. If a
// candidate is on trial, Begin does not return: the process becomes the candidate. Windows
// cannot replace a process by another program, so there the candidate runs as a child, and
// Begin returns at its end.
//
// In the candidate, Begin returns the trial. Otherwise it returns none, even if something is
// wrong with the trial. If there is no trial, it costs one failed open(2).
func Begin(o Options) Begun {
	native.ClaimFiles()
	if mark, ok := os.LookupEnv(Variable); ok {
		_ = os.Unsetenv(Variable) // no child is on trial
		return candidate(mark)
	}
	var b Begun
	r, err := Read(o.Path, o.Own)
	if errors.Is(err, fs.ErrNotExist) {
		return b
	}
	switch byHand := r.Manager != "" && r.Manager != o.Starter; {
	case err != nil:
	case byHand: // which is nothing to whoever began the trial
		err = over("only starts by %s count for it", r.Manager)
	default:
		if b, err = o.follow(r); err != nil && r.Service == o.Service {
			r.note(err)
		}
	}
	if err != nil && o.Say != nil {
		o.Say(err)
	}
	return b
}

// follow executes the candidate. Its error says why the confirmed version runs instead, or
// runs again.
func (o Options) follow(r Record) (Begun, error) {
	boot, err := thisBoot()
	if err != nil {
		return Begun{}, over("%w", err)
	}
	now, err := proc.Boottime()
	if err != nil {
		return Begun{}, over("%w", err)
	}
	if err := r.Current(o.Service, boot, now); err != nil {
		return Begun{}, err
	}
	if err := r.count(); err != nil {
		return Begun{}, err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, Variable+"=") })
	return o.execute(r, env)
}
