//go:build unix

package ship_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// The two moments of a turn at which a crash could lose or repeat something.
func TestCrashWithinATurn(t *testing.T) {
	for _, at := range []ship.Stage{ship.Appended, ship.Saved} {
		t.Run(string(at), func(t *testing.T) {
			b := newBed(t).add("x.log", "1\n2\n").open()
			b.crash(at) // the very first batch
			b.open().ship().want("1 2")
			b.add("x.log", "3\n").add("y.log", "4\n")
			b.crash(at)
			if got := b.read("out/all"); got != "1\n2\n3\n4\n" {
				t.Fatalf("crashed too early: %q", got)
			}
			b.open().want(map[ship.Stage]string{ship.Appended: "1 2", ship.Saved: "1 2 3 4"}[at])
			b.ship().want("1 2 3 4")
		})
	}
}

func TestWhatOthersDoToTheOutput(t *testing.T) {
	cases := map[string]struct {
		drive func(b *bed) // begins after 1 and 2 have been shipped
		want  string
		log   string
	}{
		"shortened while nobody ships": {
			func(b *bed) { b.kill(); b.must(os.Truncate(b.opts.Output, 2)); b.open() },
			"1 3", "shorter than what was shipped",
		},
		"shortened": {
			func(b *bed) { b.must(os.Truncate(b.opts.Output, 2)) },
			"1 3", "another process has shortened",
		},
		"written to": {
			func(b *bed) { b.must(os.WriteFile(b.opts.Output, []byte("1\n2\nforeign\n"), 0)) },
			"1 2 foreign 3", "another process writes",
		},
		"moved": {
			func(b *bed) { b.must(os.Rename(b.opts.Output, b.path("out/old"))) },
			"3", "moved or removed",
		},
		"moved while nobody ships": {
			func(b *bed) { b.kill(); b.must(os.Rename(b.opts.Output, b.path("out/old"))); b.open() },
			"3", "shorter than what was shipped",
		},
		"replaced while nobody ships, nothing of it is cut": {
			func(b *bed) {
				b.kill()
				b.must(os.Remove(b.opts.Output))
				b.must(os.WriteFile(b.opts.Output, []byte("precious\n"), 0o600))
				b.open()
			},
			"precious 3", "not the file that was shipped to",
		},
		"there is a new one in the configuration, nothing of it is cut": {
			func(b *bed) {
				b.kill()
				b.must(os.Rename(b.opts.Output, b.path("out/old")))
				b.opts.Output = b.path("out/other")
				b.must(os.WriteFile(b.opts.Output, []byte("precious\n"), 0o600))
				b.open().add("x.log", "3\n").ship()
				b.must(os.Rename(b.opts.Output, b.path("out/all")))
			},
			"precious 3", "there is a new output",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t).add("x.log", "1\n2\n").open().ship()
			c.drive(b)
			if b.opts.Output == b.path("out/all") {
				b.add("x.log", "3\n").ship().ship()
			}
			b.want(c.want).logged(1, c.log)
		})
	}
}

// An empty output is recognised by its identity alone.
func TestAnotherFileInPlaceOfAnEmptyOutput(t *testing.T) {
	b := newBed(t).open()
	b.kill()
	b.must(os.Rename(b.opts.Output, b.path("out/old")))
	b.must(os.WriteFile(b.opts.Output, []byte("precious\n"), 0o600))
	b.open().want("precious")
}

// The checkpoint describes a new output before anything is written to it.
func TestCrashAfterTheOutputWasMoved(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.must(os.Rename(b.opts.Output, b.path("out/old")))
	b.ship().add("x.log", "2\n")
	b.crash(ship.Appended)
	b.open().ship().want("2")

	b.must(os.Rename(b.opts.Output, b.path("out/older")))
	b.add("x.log", "3\n")
	b.crash(ship.Appended)
	b.open().ship().want("3")
}

func TestFailedWritesAreMadeUpFor(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.add("x.log", "2\n")
	repair, err := b.BreakOutput()
	b.must(err)
	var output *ship.OutputError
	if err := b.fails(); !errors.As(err, &output) || output.Path != b.opts.Output {
		t.Errorf("error %v, want one of the output", err)
	}
	b.add("x.log", "3\n").rename("x.log", "x.log.1").remove("x.log.1") // only the Shipper has it now
	b.clock = b.clock.Add(ship.Linger)
	_ = b.fails()
	repair()
	b.ship().want("1 2 3")
	b.kill()
	b.open().ship().want("1 2 3")
}

// A file is read halfway and then fails, and the output refuses what was read. All of that
// must be shipped again.
func TestFailuresOnBothSides(t *testing.T) {
	b := newBed(t, func(b *bed) { b.hooks.MaxLine = 4 }).add("x.log", "1\n").open().ship()
	b.add("x.log", "2\n3\n4\n5\n") // more than one window
	reads := 0
	b.onNow = func() {
		if reads++; reads == 2 {
			b.BreakInputs()
		}
	}
	repair, err := b.BreakOutput()
	b.must(err)
	_ = b.fails()
	repair()
	b.onNow = nil
	if reads < 2 {
		t.Fatal("it was not read halfway")
	}
	b.ship().ship().want("1 2 3 4 5")
}

func TestFailedCheckpointsAreMadeUpFor(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.must(os.Remove(b.opts.Checkpoint))
	b.must(os.Mkdir(b.opts.Checkpoint, 0o700))
	b.add("x.log", "2\n")
	_ = b.fails()
	b.want("1 2").add("x.log", "3\n")
	_ = b.fails()
	b.want("1 2") // nothing is appended that the checkpoint does not cover
	b.must(os.Remove(b.opts.Checkpoint))
	b.ship().want("1 2 3")
	b.kill()
	b.open().ship().want("1 2 3")
}

func TestOutputsThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		plant func(b *bed)
		is    error
	}{
		"symbolic link": {func(b *bed) { b.must(os.Symlink(b.path("target"), b.opts.Output)) }, files.ErrUntrusted},
		"directory":     {func(b *bed) { b.must(os.Mkdir(b.opts.Output, 0o700)) }, files.ErrUntrusted},
		"no directory":  {func(b *bed) { b.must(os.Remove(b.path("out"))) }, fs.ErrNotExist},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			c.plant(b)
			err := b.tryOpen()
			var output *ship.OutputError
			if !errors.Is(err, c.is) || !errors.As(err, &output) {
				t.Errorf("error %v, want an OutputError that is %v", err, c.is)
			}
			if _, err := os.Lstat(b.opts.Checkpoint); err == nil {
				t.Error("a checkpoint was written")
			}
		})
	}
}

func TestModes(t *testing.T) {
	b := newBed(t).open()
	for path, want := range map[string]fs.FileMode{b.opts.Output: 0o640, b.opts.Checkpoint: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}
