// Command probe is the program that the bed tests run under a manager. It reports what it was
// given and what it may do, and lives, reloads and dies on request.
//
// Its first argument says what to do. PROBE_OUT names the file for the answer.
//
//	dump ...      write arguments, environment and directory as JSON
//	serve         report READY=1, handle reloads and a stop, as a service does
//	reload        ask process $MAINPID for a reload, and exit with the outcome
//	fail CODE     exit with that code
//	deaf          report READY=1 and handle no signal
//	hang          never become ready
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run() error {
	// With PROBE_OUT the arguments are arbitrary, so they are not examined.
	if out := os.Getenv("PROBE_OUT"); out != "" {
		return dump(out)
	}
	if len(os.Args) < 2 {
		return fmt.Errorf("nothing to do")
	}
	n, err := systemd.FromEnvironment()
	if err != nil {
		return err
	}
	switch os.Args[1] {
	case "serve":
		return serve(n)
	case "reload":
		return reload()
	case "deaf":
		return deaf(n)
	case "hang":
		time.Sleep(time.Hour)
	case "fail":
		code, err := strconv.Atoi(os.Args[2])
		if err != nil {
			return err
		}
		os.Exit(code)
	}
	return fmt.Errorf("unknown task %q", os.Args[1])
}

// A Dump has what a process was given.
type Dump struct {
	Argv, Env []string
	Dir       string
	Writable  bool // the directory is writable
}

func dump(out string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	d := Dump{Argv: os.Args, Env: os.Environ(), Dir: dir}
	if f, err := os.CreateTemp(dir, "probe"); err == nil {
		d.Writable = true
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o644)
}
