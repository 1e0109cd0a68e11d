//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	web "github.com/holdfast-dev/holdfast/examples/web"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/port"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "web" {
		os.Exit(web.Run())
	}
	os.Exit(m.Run())
}

// Without a manager the program opens its sockets itself and answers at both. A stop finishes
// the request under way and accepts no connection meanwhile. No file is left.
func TestLife(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "web") //nolint:usetesting // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := freeAddress(t)
	sock, config := dir+"/admin.sock", dir+"/web.toml"
	text := fmt.Sprintf("[[service.socket]]\nname = \"web\"\nlisten = \"tcp:%s\"\n[[service.socket]]\nname = \"admin\"\nlisten = \"unix:%s\"\nmode = \"0600\"\n", at, sock)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(os.Args[0], "run", "--config", config, "--runtime-dir", dir+"/run", "--state-dir", dir+"/state")
	cmd.Env = append(os.Environ(), roleVariable+"=web")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(wait.Limit, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	await := func(phase platform.Phase) {
		t.Helper()
		wait.Until(t, "it is "+string(phase), func() bool {
			s, err := service.ReadState(filepath.Join(dir, "run", "web.state.json"))
			return err == nil && s.Phase == phase
		}, log.String)
	}
	await(platform.PhaseReady)
	want := fmt.Sprintf("process %d, version dev\n", cmd.Process.Pid)
	for network, where := range map[string]string{"tcp": at, "unix": sock} {
		if got := get(t, network, where, "/"); got != want {
			t.Errorf("%s: %q, want %q", network, got, want)
		}
	}
	if info, err := os.Lstat(sock); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file: %v, %v", info, err)
	}

	under, err := client("tcp", at).Get("http://web/slow?for=1s")
	if err != nil {
		t.Fatal(err)
	}
	defer under.Body.Close()
	answer := bufio.NewReader(under.Body)
	if line, err := answer.ReadString('\n'); err != nil || !strings.HasSuffix(line, " begins\n") {
		t.Fatal(line, err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if rest, err := io.ReadAll(answer); err != nil || !strings.HasSuffix(string(rest), " ends\n") {
		t.Errorf("of the request under way: %q, %v", rest, err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != platform.ExitOK {
		t.Errorf("exit code %d, log:\n%s", code, &log)
	}
	if _, err := net.DialTimeout("tcp", at, wait.Limit); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := os.Lstat(sock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	at, err := port.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func client(network, where string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, where)
	}}}
}

func get(t *testing.T, network, where, path string) string {
	t.Helper()
	r, err := client(network, where).Get("http://web" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
