package supervise_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// Spawn waits until its supervisor sleeps, so the service does not begin earlier.
func TestSpawnAwaitsItsSupervisor(t *testing.T) {
	sh, err := exec.LookPath("dash")
	if err != nil {
		t.Skip("no dash")
	}
	content, err := os.ReadFile(sh)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	daemon := filepath.Join(dir, "supervise-daemon")
	if err := os.WriteFile(daemon, content, 0o755); err != nil {
		t.Fatal(err)
	}
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Fatal(err)
	}
	spawn := part(t, "spawn", supervise.Spawn{Argv: []string{echo, "begun"}, Ended: filepath.Join(dir, "ended"), Restart: platform.Restart{Policy: platform.RestartAlways}})
	// Busy for longer than the service takes to begin, and then asleep.
	script := `"$0" "$@" & child=$!; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo busy no more; read line; wait $child`
	cmd := exec.Command(daemon, append([]string{"-c", script}, spawn.Args...)...)
	cmd.Env = spawn.Env
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 100)
	for !strings.Contains(said.String(), "begun") {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			break
		}
	}
	_ = stdin.Close()
	_ = cmd.Wait()
	if said.String() != "busy no more\nbegun\n" {
		t.Errorf("got %q", said.String())
	}
}
