//go:build unix

package ship_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The test binary plays the process that is killed. With DIR it ships the files in there until
// it dies. With DIE_AT it dies by itself, at that stage of some turn.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "ship" {
		if err := shipUntilKilled(os.Getenv("DIR"), ship.Stage(os.Getenv("DIE_AT"))); err != nil {
			fmt.Println("failed:", err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func crashOptions(dir string) ship.Options {
	return ship.Options{
		Selection: ship.Selection{Inputs: []string{filepath.Join(dir, "in", "*.log*")}},
		Output:    filepath.Join(dir, "all"), Checkpoint: filepath.Join(dir, "checkpoint.json"),
	}
}

func shipUntilKilled(dir string, at ship.Stage) error {
	left := 1 + rand.IntN(4)
	s, err := ship.OpenWith(crashOptions(dir), ship.Hooks{Reached: func(stage ship.Stage) {
		if stage == at {
			if left--; left == 0 {
				self, _ := os.FindProcess(os.Getpid())
				_ = self.Kill()
				select {}
			}
		}
	}})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for {
		more, err := s.Turn()
		if err != nil {
			return err
		}
		if !more {
			time.Sleep(time.Millisecond)
		}
	}
}

// Processes are really killed, at random and at the worst moments, while two logs grow and are
// rotated.
func TestExactlyOnceAcrossKill9(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	stop, lines := make(chan struct{}), make(chan [2]int)
	go func() { lines <- writeLogs(t, filepath.Join(dir, "in"), filepath.Join(dir, "all"), stop) }()
	const rounds = 30
	opened := 0
	for round := range rounds {
		at := []ship.Stage{"", "", ship.Appended, ship.Saved}[round%4]
		if runAndKill(t, dir, at, briefly) {
			opened++
		}
	}
	close(stop)
	written := <-lines
	total := uint64(written[0] + written[1])
	// On a slow machine each process gets less far, perhaps not even to the first line. So more of
	// them are needed, and they live longer and longer.
	longer := briefly
	wait.Until(t, "processes that are killed have shipped half of the lines", func() bool {
		output, _ := os.ReadFile(filepath.Join(dir, "all"))
		enough := uint64(bytes.Count(output, []byte("\n"))) > total/2
		if !enough {
			runAndKill(t, dir, "", longer)
			longer += longer / 4
		}
		return enough
	})
	s, err := ship.Open(crashOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ShipRest(t.Context()); err != nil {
		t.Fatal(err)
	}
	byTheLast := s.Stats().Lines
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	output, err := os.ReadFile(filepath.Join(dir, "all"))
	if err != nil {
		t.Fatal(err)
	}
	wantOnce(t, string(output), written[:])
	t.Logf("%d lines, %d of them shipped by processes that were killed, %d of %d after they had opened",
		total, total-byTheLast, opened, rounds)
	if opened < rounds/2 || byTheLast > total/2 {
		t.Error("the killed processes did too little for this to prove anything")
	}
}

// briefly is how long a process lives at most after it has opened.
const briefly = 40 * time.Millisecond

// runAndKill runs a process until it kills itself, or for a while that is no longer than most.
func runAndKill(t *testing.T, dir string, at ship.Stage, most time.Duration) (opened bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=ship", "DIR="+dir, "DIE_AT="+string(at))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	if at == "" {
		if rand.IntN(4) > 0 {
			_, _ = said.Peek(1) // otherwise it may be killed while it opens
		}
		time.Sleep(rand.N(most))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := io.ReadAll(said) // ends with the process
	_ = cmd.Wait()
	if strings.Contains(string(text), "failed") || cmd.ProcessState.Exited() {
		t.Fatalf("it was not killed but ended: %s", text)
	}
	return strings.HasPrefix(string(text), "open")
}

// backlog limits the bytes that are written and not yet in the output. On a slow machine the files
// that wait would otherwise become more than a process may have open.
const backlog = 100_000

// writeLogs writes numbered lines to two logs in pieces of any size, rotates them now and
// then, and returns the numbers of lines.
func writeLogs(t *testing.T, dir, output string, stop <-chan struct{}) (lines [2]int) {
	written := int64(0)
	for file := 0; ; file++ {
		for who := range lines {
			text := new(strings.Builder)
			for range 1 + rand.IntN(200) {
				fmt.Fprintf(text, "%d:%d:%d\n", who, file, lines[who])
				lines[who]++
			}
			written += int64(text.Len())
			path := filepath.Join(dir, fmt.Sprintf("%d.log", who))
			if err := writePieces(path, text.String()); err != nil {
				t.Error(err)
				return lines
			}
			if err := os.Rename(path, fmt.Sprintf("%s.%d", path, file)); err != nil {
				t.Error(err)
				return lines
			}
		}
		for behind(output, written) {
			select {
			case <-stop:
				return lines
			case <-time.After(time.Millisecond):
			}
		}
		select {
		case <-stop:
			return lines
		default:
		}
	}
}

func behind(output string, written int64) bool {
	info, err := os.Stat(output)
	return err != nil && written > backlog || err == nil && written-info.Size() > backlog
}

func writePieces(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for len(text) > 0 {
		n := min(1+rand.IntN(300), len(text))
		if _, err := f.WriteString(text[:n]); err != nil {
			return err
		}
		text = text[n:]
		time.Sleep(200 * time.Microsecond) // so that the writer does not get too far ahead
	}
	return nil
}
