//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// programs builds winexec, and the Windows program for it to run.
func programs(t *testing.T) (winexec, teller string) {
	t.Helper()
	dir := t.TempDir()
	winexec, teller = filepath.Join(dir, "winexec"), filepath.Join(dir, "teller.exe")
	for _, b := range []struct{ out, pkg, env string }{
		{winexec, ".", "GOOS=linux"},
		{teller, "./testdata/teller", "GOOS=windows"},
	} {
		cmd := exec.Command("go", "build", "-o", b.out, b.pkg)
		cmd.Env = append(cmd.Environ(), b.env, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", b.pkg, err, out)
		}
	}
	return winexec, teller
}

func TestProgramInABed(t *testing.T) {
	t.Parallel()
	bed.Require(t, "wine")
	winexec, teller := programs(t)
	args := []string{"a b", `c"d`, `e\`, "ü☃", "", "--", "*"}
	cmd := exec.Command(winexec, append([]string{teller}, args...)...)
	cmd.Dir = "testdata/teller"
	cmd.Env = append(cmd.Environ(), "HOLDFAST_WINEXEC_TEST=passes", "LC_ALL=stays")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || strings.TrimSpace(stderr.String()) != "to standard error" {
		t.Errorf("ended with %v, and said: %s", err, &stderr)
	}
	type told struct {
		OS           string
		Args         []string
		Dir          string
		Source       bool // sees the files beside it
		Ours, Others string
		Writable     bool
	}
	var got told
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, &stdout)
	}
	here, err := filepath.Abs(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	want := told{OS: "windows", Args: args, Dir: "Z:" + strings.ReplaceAll(here, "/", `\`), Source: true, Ours: "passes"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the program was given\n%+v, want\n%+v", got, want)
	}
}

// go test sends SIGQUIT when a test takes too long, then kills.
func TestBedEndsWithWinexec(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			bed.Require(t, "wine")
			winexec, teller := programs(t)
			cmd := exec.Command(winexec, teller, "wait")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stdout)
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			// The program has our pipe as its standard output: the end of the pipe is the end
			// of the last process in the bed.
			over := make(chan struct{})
			go func() {
				_, _ = lines.WriteTo(new(bytes.Buffer))
				close(over)
			}()
			wait.For(t, "the bed ends with it", over)
			_ = cmd.Wait()
		})
	}
}

func TestCannotRun(t *testing.T) {
	t.Parallel()
	winexec, teller := programs(t)
	for _, tc := range []struct {
		name, says string
		argv       []string
	}{
		{"no root", "make beds", []string{teller}},
		{"no program", "no program", nil},
	} {
		cmd := exec.Command(winexec, tc.argv...)
		cmd.Env = append(os.Environ(), "BEDS_DIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 125 || !strings.Contains(string(out), tc.says) {
			t.Errorf("%s: %v, %s", tc.name, err, out)
		}
	}
}
