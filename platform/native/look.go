package native

import (
	"context"
	"strings"
	"sync"
)

// Look returns a context for a look at the machine that changes nothing. Within it,
// [System.Run] runs each command only once, and then returns the same answer. A look asks the
// same from several sides, and for each answer a client such as systemctl takes longer than
// the rest of the look. Whoever wants to know what has changed since must look anew.
//
// If ctx is that of a look already, Look returns it unchanged.
func Look(ctx context.Context) context.Context {
	if ctx.Value(answersKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, answersKey{}, &answers{all: map[string]answer{}})
}

// LookAnew makes the look of ctx, if ctx is that of one, ask everything again.
func LookAnew(ctx context.Context) {
	if a, ok := ctx.Value(answersKey{}).(*answers); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		clear(a.all)
	}
}

type answersKey struct{}

// answers has the results of the commands of a look.
type answers struct {
	mu  sync.Mutex
	all map[string]answer // by argv
}

type answer struct {
	out string
	err error
}

// run is like the function run, but returns an earlier answer if there is one.
func (a *answers) run(ctx context.Context, argv []string) (string, error) {
	command := strings.Join(argv, "\x00")
	a.mu.Lock()
	got, asked := a.all[command]
	a.mu.Unlock()
	if asked {
		return got.out, got.err
	}
	got.out, got.err = run(ctx, argv)
	if ctx.Err() == nil { // otherwise it was given up
		a.mu.Lock()
		a.all[command] = got
		a.mu.Unlock()
	}
	return got.out, got.err
}
