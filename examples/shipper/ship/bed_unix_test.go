//go:build unix

package ship_test

import (
	"os"
	"regexp"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// fails runs a turn that must fail.
func (b *bed) fails() error {
	b.t.Helper()
	_, err := b.Turn()
	if err == nil {
		b.t.Fatal("the turn did not fail")
	}
	return err
}

// crash runs turns until the stage is reached, where the Shipper is killed. It reports whether
// the stage was reached.
func (b *bed) crash(at ship.Stage) (crashed bool) {
	b.t.Helper()
	defer func() {
		b.die = ""
		r := recover()
		if _, crashed = r.(died); r != nil && !crashed {
			panic(r)
		}
		b.kill()
	}()
	b.die = at
	b.ship()
	return false
}

// put writes an input as if it was truncated and written again.
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

// edit changes the text of the checkpoint.
func (b *bed) edit(pattern, replacement string) {
	b.t.Helper()
	old := b.read("state/x.checkpoint.json")
	edited := regexp.MustCompile(pattern).ReplaceAllString(old, replacement)
	if edited == old {
		b.t.Fatalf("nothing like %q in %s", pattern, old)
	}
	b.must(os.WriteFile(b.opts.Checkpoint, []byte(edited), 0o600))
}
