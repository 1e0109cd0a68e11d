package trial

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Options say whose trial it could be.
type Options struct {
	Path    string // of the record
	Service string // name or name@instance
	Own     bool   // of a user's own service: that user's record is believed
	Starter string // who started this process: native.Starter
	// Say is told, in a sentence, why a candidate that there is was not executed.
	Say func(error)
}

// Begun is what has become of a [Begin] that returns. The zero value is that of a
// confirmed version without a trial.
type Begun struct {
	Trial *Trial // in the candidate; nil in the confirmed version
	// Host is who asks this process, where that was found out already (see
	// native.WithHost): on Windows.
	Host platform.Host
	// Exit is not nil where the candidate's life was that of the service, and has come
	// to its end: this process has nothing to do but to leave with that exit code.
	Exit *int
}

// Begin is the first act of a program that is to run as the service. Where a
// candidate is on trial it does not return: the process becomes the candidate. On
// Windows, where that cannot be, it returns at the end of the candidate, which has run
// as its child. In the candidate it returns the trial; otherwise none, also where
// something is wrong with the trial. Without a trial it costs one failed open(2).
func Begin(o Options) Begun {
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
		err = over("its starts are those by %s", r.Manager)
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

// follow executes the candidate. Its error is why the confirmed version runs (now).
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
