// Command parents measures what examples/wrap costs as the parent of a program. It compares it
// with runsv, s6-supervise, tini and supervisord, if they are in PATH (Debian's packages
// runit, s6, tini, supervisor), and with a parent in Go that only starts a program and copies
// its output:
//
//	go run ./parents              all of it, some minutes
//	go run ./parents -idle 5s     quicker
//
// Contestants take turns in every round. A missed limit is reported, but is no failure: a busy
// machine is no bug.
//
// Limits: Linux only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "parents:", err)
		os.Exit(1)
	}
}

// settings say how much is measured.
type settings struct {
	rounds    int // of starts
	logs      int // rounds of output
	megabytes int
	settle    time.Duration // until those that are idle have started
	idle      time.Duration
	dir       string
	flags     []string // of the build of wrap
}

func run() error {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "child":
			return child(os.Args[2], os.Args[3:])
		case "parent":
			return parent(os.Args[2], os.Args[3:])
		}
	}
	s := settings{logs: 3, settle: 5 * time.Second, flags: []string{"-trimpath", "-ldflags=-s"}}
	flag.IntVar(&s.rounds, "rounds", 20, "how often a start is measured")
	flag.IntVar(&s.megabytes, "megabytes", 64, "how much a program says")
	flag.DurationVar(&s.idle, "idle", time.Minute, "how long wake-ups are counted")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "a `directory` for what they write")
	flag.Parse()
	return measure(s)
}

// child records when it began, writes that many lines of 100 bytes, the last one different,
// and waits.
func child(file string, lines []string) error {
	begun := time.Now().UnixNano()
	if err := os.WriteFile(file+".new", fmt.Append(nil, begun), 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	if len(lines) > 0 {
		var n int
		if _, err := fmt.Sscan(lines[0], &n); err != nil {
			return err
		}
		block := make([]byte, 0, 64<<10)
		for i := range n {
			block = fmt.Appendf(block, "%099d\n", i)
			if len(block) > 60<<10 || i == n-1 {
				if _, err := os.Stdout.Write(block); err != nil {
					return err
				}
				block = block[:0]
			}
		}
		fmt.Println(lastLine)
	}
	time.Sleep(time.Hour)
	return nil
}

const lastLine = "that was all"

// parent only starts a program and copies its output to a file.
func parent(log string, argv []string) error {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Hide the types: io.Copy would use splice(2), and the parent would copy nothing itself.
	_, err = io.Copy(struct{ io.Writer }{out}, struct{ io.Reader }{pipe})
	return errors.Join(err, cmd.Wait(), out.Close())
}
