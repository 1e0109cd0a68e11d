//go:build unix

package ship_test

import (
	"os"
	"regexp"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// fails turns once and wants it to fail.
func (b *bed) fails() error {
	b.t.Helper()
	_, err := b.Turn()
	if err == nil {
		b.t.Fatal("the turn did not fail")
	}
	return err
}

// crash turns until the stage is reached, and is killed there.
func (b *bed) crash(at ship.Stage) {
	b.t.Helper()
	type died struct{}
	hooks := b.hooks
	defer func() {
		b.hooks = hooks
		if _, ok := recover().(died); !ok {
			b.t.Fatalf("never came to %q", at)
		}
		b.kill()
	}()
	armed := false // the save at the opening does not count
	b.hooks.Reached = func(s ship.Stage) {
		if armed && s == at {
			panic(died{})
		}
	}
	b.open()
	armed = true
	b.ship()
}

// put writes an input as one that was truncated and written again.
func (b *bed) put(name, text string) *bed {
	b.t.Helper()
	b.must(os.WriteFile(b.path("in/"+name), []byte(text), 0o600))
	return b
}

func (b *bed) rename(from, to string) *bed {
	b.t.Helper()
	b.must(os.Rename(b.path("in/"+from), b.path("in/"+to)))
	return b
}

func (b *bed) remove(name string) *bed {
	b.t.Helper()
	b.must(os.Remove(b.path("in/" + name)))
	return b
}

// edit changes the checkpoint as text.
func (b *bed) edit(pattern, replacement string) {
	b.t.Helper()
	old := b.read("state/x.checkpoint.json")
	edited := regexp.MustCompile(pattern).ReplaceAllString(old, replacement)
	if edited == old {
		b.t.Fatalf("nothing like %q in %s", pattern, old)
	}
	b.must(os.WriteFile(b.opts.Checkpoint, []byte(edited), 0o600))
}
