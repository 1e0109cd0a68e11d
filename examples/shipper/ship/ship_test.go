package ship_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

func TestShipsCompleteLinesThatMatch(t *testing.T) {
	b := newBed(t, func(b *bed) { b.opts.Match = regexp.MustCompile(`^(a.*|)$`) })
	b.add("x.log", "a1\nb2\na3\r\nba\n\na4").add("other.txt", "a-not-an-input\n")
	b.open().ship().want("a1 a3\r ") // the empty line matches too
	b.add("x.log", "5\nb\na").ship().want("a1 a3\r  a45")
	b.kill()
	b.open().ship().add("x.log", "6\n").ship().want("a1 a3\r  a45 a6")
	if got := b.Stats(); got != (ship.Stats{Files: 1, Lines: 1}) {
		t.Errorf("since the last opening: %+v", got)
	}
}

func TestIdleWritesNothing(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	saves := b.saves
	b.ship().ship()
	if b.saves != saves {
		t.Errorf("%d checkpoints while nothing happened", b.saves-saves)
	}
}

func TestEveryFileHasItsTurn(t *testing.T) {
	line := strings.Repeat("x", 1023) + "\n"
	b := newBed(t)
	for _, name := range []string{"a", "b", "c"} {
		b.add(name+".log", strings.ReplaceAll(strings.Repeat(line, 6<<10), "x", name)) // 6 MiB
	}
	b.open()
	turns := 0
	for more := true; more; turns++ {
		before := len(b.read("out/all"))
		var err error
		if more, err = b.Turn(); err != nil {
			t.Fatal(err)
		}
		added := b.read("out/all")[before:]
		if len(added) > ship.TurnBytes+ship.MaxLine {
			t.Fatalf("one turn shipped %d bytes", len(added))
		}
		if turns == 0 && (!strings.Contains(added, "aaa") || !strings.Contains(added, "bbb") || !strings.Contains(added, "ccc")) {
			t.Error("the first turn did not serve all three files")
		}
	}
	if turns < 4 {
		t.Errorf("18 MiB in %d turns", turns)
	}
	if got := len(b.read("out/all")); got != 18<<20 {
		t.Errorf("%d bytes shipped, want %d", got, 18<<20)
	}
}

func TestLongLinesArePassedOver(t *testing.T) {
	const limit = 100
	b := newBed(t, func(b *bed) { b.hooks.MaxLine = limit })
	fits := strings.Repeat("f", limit-1)
	b.add("x.log", "a\n"+fits+"\n"+fits+"f\n"+"b\n").open().ship()
	b.want("a " + fits + " b").logged(1, "too long")

	t.Run("across a restart", func(t *testing.T) {
		b.add("x.log", strings.Repeat("g", 5*limit)).ship()
		b.kill()
		b.open().ship().add("x.log", strings.Repeat("g", limit)).ship()
		b.add("x.log", "tail of it\nc\n").ship()
		b.want("a "+fits+" b c").logged(2, "too long")
	})
}

func TestSelectBetweenTurns(t *testing.T) {
	b := newBed(t).add("x.log", "a1\nb1\n").add("y.txt", "a-y1\n")
	b.open().ship().want("a1 b1")
	b.add("x.log", "a2\nb2\n")
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/*.txt")}, Match: regexp.MustCompile("^a")}))
	b.add("y.txt", "b-y2\na-y2\n").ship().want("a1 b1 a-y1 a-y2")

	// What was added while nobody wanted it comes when somebody does, also when
	// there was a crash in between and the file was rotated.
	b.add("x.log", "a3\n").rename("x.log", "x.log.1").add("x.log", "a4\n")
	b.kill()
	b.opts.Inputs = []string{b.path("in/*.txt")}
	b.open().ship()
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/*.log"), b.path("in/*.txt")}}))
	b.ship().want("a1 b1 a-y1 a-y2 a2 b2 a3 a4")
}

func TestNeverShipsItsOwnFiles(t *testing.T) {
	cases := map[string]func(b *bed) string{
		"output":                    func(b *bed) string { return b.path("out/*") },
		"output by its name":        func(b *bed) string { return b.path("out/all") },
		"checkpoint":                func(b *bed) string { return b.path("state/*.json") },
		"output by another way":     func(b *bed) string { b.must(os.Symlink(b.path("out"), b.path("in/way"))); return b.path("in/way/*") },
		"output by a symbolic link": func(b *bed) string { b.must(os.Symlink(b.path("out/all"), b.path("in/a.txt"))); return b.path("in/*.txt") },
	}
	for name, input := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t).open()
			sel := ship.Selection{Inputs: []string{b.path("in/*.log"), input(b)}}
			wantError(t, b.Select(sel), ship.ErrOwnFile, "")
			b.add("x.log", "1\n").ship().want("1") // the old one is in force

			b.opts.Selection = sel
			wantError(t, b.tryOpen(), ship.ErrOwnFile, "")
		})
	}
	t.Run("a bad pattern", func(t *testing.T) {
		b := newBed(t).open()
		wantError(t, b.Select(ship.Selection{Inputs: []string{"["}}), filepath.ErrBadPattern, `"["`)
	})
	t.Run("a way to the output that opens later", func(t *testing.T) {
		b := newBed(t).open().add("x.log", "1\n")
		b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/*.log"), b.path("in/*/all")}}))
		b.must(os.Symlink(b.path("out"), b.path("in/way")))
		b.ship().ship().want("1").logged(1, ship.ErrOwnFile.Error())
	})
}

func TestWhatIsNotARegularFile(t *testing.T) {
	b := newBed(t)
	b.must(os.WriteFile(b.path("secret"), []byte("secret\n"), 0o600))
	b.must(os.Symlink(b.path("secret"), b.path("in/link.log")))
	b.must(os.Mkdir(b.path("in/dir.log"), 0o700))
	b.open().ship().ship().want("").logged(1, "not a regular file").logged(1, "link.log")
	b.remove("link.log").add("link.log", "1\n").ship().want("1")
}

func TestDrain(t *testing.T) {
	b := newBed(t).open().add("x.log", "1\n2\n3")
	b.must(b.Drain(t.Context()))
	b.want("1 2")

	t.Run("an ended context leaves the rest", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.add("x.log", "\n4\n")
		b.must(b.Drain(ctx))
		b.want("1 2").logged(1, "left to the next run")
		b.kill()
		b.open().ship().want("1 2 3 4")
	})
	t.Run("ends although the writer goes on", func(t *testing.T) {
		big := strings.Repeat(strings.Repeat("x", 1023)+"\n", 2*ship.TurnBytes>>10)
		b.add("big.log", big)
		rounds := 0
		hooks := b.hooks
		b.hooks.Reached = func(s ship.Stage) {
			if s == ship.Appended {
				rounds++
				b.add("big.log", big[:ship.TurnBytes])
			}
		}
		b.open()
		b.hooks = hooks
		b.must(b.Drain(t.Context()))
		if rounds < 2 || rounds > 4 {
			t.Errorf("drained in %d turns what two turns ship", rounds)
		}
	})
}
