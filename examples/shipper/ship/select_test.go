//go:build unix

package ship_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

func TestSelectBetweenTurns(t *testing.T) {
	b := newBed(t).add("x.log", "a1\nb1\n").add("y.txt", "a-y1\n")
	b.open().ship().want("a1 b1")
	b.add("x.log", "a2\nb2\n")
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/*.txt")}, Match: regexp.MustCompile("^a")}))
	b.add("y.txt", "b-y2\na-y2\n").ship().want("a1 b1 a-y1 a-y2")

	// Lines that were added while the file was not selected are shipped once it is, even if
	// there was a crash and a rotation in between.
	b.add("x.log", "a3\n").rename("x.log", "x.log.1").add("x.log", "a4\n")
	b.kill()
	b.opts.Inputs = []string{b.path("in/*.txt")}
	b.open().ship()
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/*.log"), b.path("in/*.txt")}}))
	b.ship().want("a1 b1 a-y1 a-y2 a2 b2 a3 a4")
}

// The selection of a file depends on the last path that was found.
func TestSelectAfterARename(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.rename("x.log", "y.log").ship()
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/x.log")}}))
	b.add("y.log", "2\n").ship().want("1")
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/y.log")}}))
	b.ship().want("1 2")
}

func TestNeverShipsItsOwnFiles(t *testing.T) {
	cases := map[string]func(b *bed) string{
		"output":                func(b *bed) string { return b.path("out/*") },
		"output by its name":    func(b *bed) string { return b.path("out/all") },
		"checkpoint":            func(b *bed) string { return b.path("state/*.json") },
		"output by another way": func(b *bed) string { b.must(os.Symlink(b.path("out"), b.path("in/way"))); return b.path("in/way/*") },
		"output by a symbolic link": func(b *bed) string {
			b.must(os.Symlink(b.path("out/all"), b.path("in/a.txt")))
			return b.path("in/*.txt")
		},
	}
	for name, input := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t).open()
			sel := ship.Selection{Inputs: []string{b.path("in/*.log"), input(b)}}
			wantError(t, b.Select(sel), ship.ErrOwnFile, "")
			b.add("x.log", "1\n").ship().want("1") // the old selection is in force

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
