package trial

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Options say whose trial it could be.
type Options struct {
	Path    string // of the record
	Service string // name or name@instance
	Own     bool   // of a user's own service: that user's record is believed
	// Say is told, in a sentence, why a candidate that there is was not executed.
	Say func(error)
}

// Begin is the first act of a program that is to run as the service. Where a
// candidate is on trial it does not return: the process becomes the candidate. In
// the candidate it returns the trial; otherwise nil, also where something is wrong
// with the trial. Without a trial it costs one failed open(2).
func Begin(o Options) *Trial {
	if mark, ok := os.LookupEnv(Variable); ok {
		_ = os.Unsetenv(Variable) // no child is on trial
		return candidate(mark)
	}
	r, err := Read(o.Path, o.Own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if err = o.follow(r); r.Service == o.Service {
			r.note(err)
		}
	}
	if o.Say != nil {
		o.Say(err)
	}
	return nil
}

// follow executes the candidate; it only returns an error.
func (o Options) follow(r Record) error {
	self, err := proc.Self()
	if err != nil {
		return over("%w", err)
	}
	now, err := proc.Boottime()
	if err != nil {
		return over("%w", err)
	}
	if err := r.Current(o.Service, self.Boot, now); err != nil {
		return err
	}
	if err := r.count(); err != nil {
		return err
	}
	mark, err := r.mark()
	if err != nil {
		return over("%w", err)
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, Variable+"=") })
	return r.execute(append(env, Variable+"="+mark), o.Own)
}
