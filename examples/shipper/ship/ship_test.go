package ship_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

func TestShipsCompleteLinesThatMatch(t *testing.T) {
	b := newBed(t, func(b *bed) { b.opts.Match = regexp.MustCompile(`^(a.*|)$`) })
	b.add("x.log", "a1\nb2\na3\r\nba\n\na4").add("other.txt", "a-not-an-input\n")
	b.open().ship().want("a1 a3\r ") // the empty line matches, too
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
	const names = "abcde"
	const size = 2 << 20 // four of them fill two turns
	b := newBed(t)
	for _, name := range names {
		b.add(string(name)+".log", strings.Repeat(strings.Repeat(string(name), 1023)+"\n", size>>10))
	}
	b.open()
	served, turns := "", 0
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
		for _, name := range names {
			if turns < 2 && strings.ContainsRune(added, name) {
				served += string(name)
			}
		}
	}
	for _, name := range names {
		if !strings.ContainsRune(served, name) {
			t.Errorf("the first two turns served %q", served)
			break
		}
	}
	if got := len(b.read("out/all")); got != len(names)*size || turns < 3 {
		t.Errorf("%d bytes shipped in %d turns, want %d", got, turns, len(names)*size)
	}
}

func TestLongLinesArePassedOver(t *testing.T) {
	const limit = 100
	b := newBed(t, func(b *bed) { b.hooks.MaxLine = limit })
	fits := strings.Repeat("f", limit-1)
	b.add("x.log", "a\n"+fits+"\n"+fits+"f\n"+"b\n").open().ship()
	b.want("a "+fits+" b").logged(1, "too long")

	t.Run("across a restart", func(t *testing.T) {
		b.add("x.log", strings.Repeat("g", 5*limit)).ship()
		b.kill()
		b.open().ship().add("x.log", strings.Repeat("g", limit)).ship()
		b.add("x.log", "tail of it\nc\n").ship()
		b.want("a "+fits+" b c").logged(2, "too long")
	})
}

func TestDrain(t *testing.T) {
	b := newBed(t).open().add("x.log", "1\n2\n3")
	b.must(b.ShipRest(t.Context()))
	b.want("1 2")

	t.Run("an ended context leaves the rest", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.add("x.log", "\n4\n")
		b.must(b.ShipRest(ctx))
		b.want("1 2").logged(1, "the next run ships the rest")
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
		b.must(b.ShipRest(t.Context()))
		if rounds < 2 || rounds > 4 {
			t.Errorf("shipped in %d turns what two turns ship", rounds)
		}
	})
}
