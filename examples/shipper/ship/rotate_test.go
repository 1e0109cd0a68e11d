//go:build unix

package ship_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

func TestRotation(t *testing.T) {
	both := func(b *bed) { b.opts.Inputs = []string{b.path("in/x.log*")} }
	cases := map[string]struct {
		change func(*bed)
		drive  func(b *bed)
		want   string
		log    string
	}{
		"rename, the writer goes on in the old one for a while": {
			drive: func(b *bed) {
				b.rename("x.log", "x.log.1").add("x.log.1", "3\n").add("x.log", "4\n").ship()
				b.add("x.log.1", "5\n").add("x.log", "6\n").ship()
			},
			want: "1 2 3 4 5 6",
		},
		"rename to a name that is an input too": {
			change: both,
			drive: func(b *bed) {
				b.rename("x.log", "x.log.1").add("x.log.1", "3\n").add("x.log", "4\n").ship()
				b.rename("x.log.1", "x.log.2").rename("x.log", "x.log.1").add("x.log.2", "5\n").add("x.log", "6\n").ship()
			},
			want: "1 2 3 4 5 6",
		},
		"rename while nobody follows": {
			drive: func(b *bed) {
				b.kill()
				b.add("x.log", "3\n").rename("x.log", "x.log.1").add("x.log.1", "4\n").add("x.log", "5\n")
				b.open().ship().add("x.log.1", "6\n").ship()
			},
			want: "1 2 5 3 4 6", // the new one is found first
		},
		"rename while nobody follows, to a name that is an input too": {
			change: both,
			drive: func(b *bed) {
				b.kill()
				b.rename("x.log", "x.log.1").add("x.log.1", "3\n").add("x.log", "4\n")
				then := time.Now().Add(-time.Hour)
				b.must(os.Chtimes(b.path("in/x.log.1"), then, then))
				b.open().ship()
			},
			want: "1 2 3 4",
		},
		"rename before, crash after": {
			drive: func(b *bed) {
				b.rename("x.log", "x.log.1").add("x.log", "3\n").ship()
				b.kill()
				b.add("x.log.1", "4\n").open().ship()
			},
			want: "1 2 3 4",
		},
		"removed, though the writer still has it open": {
			drive: func(b *bed) {
				w, err := os.OpenFile(b.path("in/x.log"), os.O_APPEND|os.O_WRONLY, 0)
				b.must(err)
				defer w.Close()
				b.remove("x.log").ship()
				_, err = w.WriteString("3\n")
				b.must(err)
				b.ship()
			},
			want: "1 2 3",
		},
		"removed and there again": {
			drive: func(b *bed) { b.remove("x.log").ship().add("x.log", "3\n").ship() },
			want:  "1 2 3",
		},
		"truncated": {
			drive: func(b *bed) { b.put("x.log", "3\n").ship() },
			want:  "1 2 3", log: "truncated or rewritten",
		},
		"truncated to nothing, then written": {
			drive: func(b *bed) { b.put("x.log", "").ship().add("x.log", "3\n").ship() },
			want:  "1 2 3", log: "truncated or rewritten",
		},
		"truncated and longer than before already": {
			drive: func(b *bed) { b.put("x.log", "3\n4\n5\n").ship() },
			want:  "1 2 3 4 5", log: "truncated or rewritten",
		},
		"truncated while nobody follows": {
			drive: func(b *bed) { b.kill(); b.put("x.log", "3\n4\n5\n").open().ship() },
			want:  "1 2 3 4 5", log: "reading it from the start",
		},
		"a half line is taken back": {
			drive: func(b *bed) {
				b.add("x.log", "junk").ship().put("x.log", "1\n2\nju").ship().add("x.log", "st\n").ship()
			},
			want: "1 2 just",
		},
		"another file with the same inode": {
			drive: func(b *bed) { b.reuseInode("y.log"); b.open().ship() },
			want:  "1 2 3 4", log: "not the one that was read",
		},
		"another file with the same inode, and no input": {
			drive: func(b *bed) { b.reuseInode("y.old"); b.open().ship() },
			want:  "1 2", log: "a file is gone",
		},
		"the file system has another number since the reboot": {
			drive: func(b *bed) {
				b.kill()
				b.edit(`"id": "\d+:`, `"id": "4242:`)
				b.add("x.log", "3\n").open().ship()
			},
			want: "1 2 3",
		},
		"not mounted yet": {
			drive: func(b *bed) {
				b.kill()
				b.must(os.Rename(b.path("in"), b.path("elsewhere")))
				b.must(os.Mkdir(b.path("in"), 0o700))
				b.open().ship()
				b.kill()
				b.open().ship() // also across another restart
				b.must(os.Remove(b.path("in")))
				b.must(os.Rename(b.path("elsewhere"), b.path("in")))
				b.add("x.log", "3\n").ship()
			},
			want: "1 2 3", log: "a file is gone",
		},
		"an input that cannot be read for a moment": {
			drive: func(b *bed) {
				b.add("x.log", "3\n")
				b.BreakInputs()
				b.ship().ship()
			},
			want: "1 2 3", log: "cannot be read",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var change []func(*bed)
			if c.change != nil {
				change = append(change, c.change)
			}
			b := newBed(t, change...)
			b.add("x.log", "1\n2\n").open().ship().want("1 2")
			c.drive(b)
			b.want(c.want)
			if c.log != "" {
				b.logged(1, c.log)
			} else if strings.Contains(b.log.String(), "WARN") {
				t.Errorf("warned of nothing:\n%s", b.log)
			}
			b.kill()
			b.open().ship().want(c.want) // nothing comes twice later
		})
	}
}

// A rotated file is kept open until it has been removed and has not changed for a while.
func TestRotatedFilesAreLetGo(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.rename("x.log", "x.log.1").add("x.log", "2\n").ship()
	followed := func(want int) {
		t.Helper()
		if got := b.Followed(); got != want {
			t.Fatalf("%d files are open, want %d", got, want)
		}
	}
	followed(2)
	b.add("x.log.1", "3\nhalf").remove("x.log.1").ship()
	followed(2)
	b.clock = b.clock.Add(ship.Linger)
	b.ship().want("1 2 3").logged(1, "ended without a newline")
	followed(1)
	b.ship() // saves the checkpoint
	if n := strings.Count(b.read("state/x.checkpoint.json"), `"offset"`); n != 2 {
		t.Errorf("%d places in the checkpoint, want the output's and one file's", n)
	}

	// Files that are no longer selected are dropped at once.
	b.must(b.Select(ship.Selection{Inputs: []string{b.path("in/none")}}))
	b.remove("x.log").ship()
	followed(0)
}

func TestMissingFilesAreForgottenInTheEnd(t *testing.T) {
	b := newBed(t).add("x.log", "1\n").open().ship()
	b.kill()
	b.remove("x.log").open().ship()
	for _, step := range []struct {
		later time.Duration
		want  int
	}{{ship.ForgetAfter, 1}, {time.Second, 0}} {
		b.kill()
		b.clock = b.clock.Add(step.later)
		b.open()
		if n := strings.Count(b.read("state/x.checkpoint.json"), "missing_since"); n != step.want {
			t.Errorf("%d missing files after %v more, want %d", n, step.later, step.want)
		}
	}
	b.logged(1, "a file is gone")
}

// reuseInode kills the Shipper, removes x.log and gives a new file its inode, as far as the
// checkpoint can tell.
func (b *bed) reuseInode(name string) {
	b.t.Helper()
	b.kill()
	b.rename("x.log", "../gone") // prevents the real reuse of its inode
	b.add(name, "3\n4\n")
	probe := newBed(b.t, func(p *bed) { p.opts.Inputs = []string{b.path("in/" + name)} }).open().ship()
	_, text, _ := strings.Cut(probe.read("state/x.checkpoint.json"), filepath.Base(name))
	_, text, _ = strings.Cut(text, `"id": "`)
	id, _, ok := strings.Cut(text, `"`)
	if !ok {
		b.t.Fatal("no identity")
	}
	b.edit(`(x.log",\s+"id": )"[^"]*"`, `$1"`+id+`"`)
}
