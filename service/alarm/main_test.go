package alarm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// role is the first argument of this program when it plays the command of alarms.
const role = "be-a-command"

// A heard is what a command has found.
type heard struct {
	PID   int
	Env   []string
	Dir   string
	Input string
	Extra []string // descriptors, by the path that opens them
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == role {
		os.Exit(command(os.Args[2], os.Args[3:]...))
	}
	os.Exit(m.Run())
}

func command(what string, args ...string) int {
	switch what {
	case "hear": // and record it
		input, _ := io.ReadAll(os.Stdin)
		dir, _ := os.Getwd()
		b, _ := json.Marshal(heard{os.Getpid(), os.Environ(), dir, string(input), descriptors()})
		if err := os.WriteFile(args[0]+".new", b, 0o600); err != nil {
			fmt.Println(err)
			return 1
		}
		if err := os.Rename(args[0]+".new", args[0]); err != nil {
			fmt.Println(err)
			return 1
		}
	case "sleep": // forever
		_ = command("hear", args...)
		time.Sleep(time.Hour)
	case "fork": // and exit
		child := exec.Command(os.Args[0], role, "sleep", args[0]) //nolint:noctx // it is to outlive us
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		for begin := time.Now(); time.Since(begin) < wait.Limit; { // until it has started
			if _, err := os.Stat(args[0]); err == nil {
				return 0
			}
			time.Sleep(10 * time.Millisecond)
		}
		return 1
	case "flood":
		block := bytes.Repeat([]byte("words "), 10_000)
		for range 500 {
			_, _ = os.Stdout.Write(block)
		}
	case "fail":
		fmt.Println("no such pager")
		return 3
	}
	return 0
}
