// Command winexec runs a Windows program in a bed of its own, for go test and go run:
//
//	go build -o winexec ./test/winexec
//	GOOS=windows CGO_ENABLED=0 go test -exec ./winexec ./...
//
// The program finds the files of this checkout, and itself, at their paths on drive Z:,
// read-only. Its writes to C: disappear with the bed. It gets its arguments, the environment
// variables that begin with HOLDFAST_ or WINE, no standard input, and the rights of an
// Administrator. Output is passed on as it is written. The exit code is the program's; 125
// means that it could not be run. SIGINT, SIGTERM and SIGQUIT (which go test sends after a
// timeout) end the bed.
//
// The directory that HOLDFAST_PROGRAMS names is shown, too, because the program cannot build
// there what it has to start.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/holdfast-dev/holdfast/test/bed"
)

const cannotRun = 125 // as with env(1) and docker

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	code, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "winexec:", err)
	}
	os.Exit(code)
}

// run boots a bed, runs argv in it and closes it.
func run(ctx context.Context, argv []string) (code int, err error) {
	if len(argv) == 0 {
		return cannotRun, errors.New("no program given")
	}
	program, err := filepath.Abs(argv[0])
	if err != nil {
		return cannotRun, err
	}
	here, err := os.Getwd()
	if err != nil {
		return cannotRun, err
	}
	kind, err := bed.Find("wine")
	if err != nil {
		return cannotRun, err
	}
	kind.Shown = []string{checkout(here), program}
	if dir := os.Getenv("HOLDFAST_PROGRAMS"); dir != "" {
		kind.Shown = append(kind.Shown, dir)
	}
	b, err := bed.Boot(ctx, kind)
	if err != nil {
		return cannotRun, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()

	line := append([]string{"env", "--chdir=" + here}, environment()...)
	cmd := b.Command(ctx, append(append(line, "wine", program), argv[1:]...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return cannotRun, errors.Join(fmt.Errorf("run %q: %w", argv, err), ctx.Err())
	}
	return 0, nil
}

// checkout returns the directory with go.mod that contains dir, or dir if there is none.
func checkout(dir string) string {
	for top := dir; top != filepath.Dir(top); top = filepath.Dir(top) {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			return top
		}
	}
	return dir
}

// environment returns the environment variables that the program gets.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "HOLDFAST_") || strings.HasPrefix(entry, "WINE") {
			env = append(env, entry)
		}
	}
	return env
}
