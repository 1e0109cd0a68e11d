//go:build unix

package cli_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// status lists the open sockets with their addresses, and says who keeps each. doctor names
// those of the configuration that are not open, and what opens them.
func TestSocketsOfAService(t *testing.T) {
	p := wellOff(t)
	gone := "unix:" + filepath.ToSlash(filepath.Join(p.dir, "gone.sock"))
	open := []state.Socket{
		{Name: "api", Listen: "tcp:127.0.0.1:0", Address: "tcp:127.0.0.1:4711", KeptBy: "systemd"},
		{Name: "log", Listen: "udp::514", Address: "udp:[::]:514", KeptBy: "supervisor"},
		{Name: "web", Listen: "tcp::80", Address: "tcp:[::]:80"},
		{Name: "bad", Listen: gone, Address: "unix:\x1b[2J"},
	}
	p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.Sockets = open })
	if code, err := p.run("status"); code != 0 {
		t.Fatal(err)
	}
	for _, line := range []string{
		"     sockets  api: tcp:127.0.0.1:4711, kept by systemd\n", "              log: udp:[::]:514, kept by its supervisor\n",
		"              web: tcp:[::]:80, closed while the service restarts\n", "              bad: unix:",
	} {
		if !strings.Contains(p.out.String(), line) {
			t.Errorf("no %q in\n%s", line, &p.out)
		}
	}
	if strings.Contains(p.out.String(), "\x1b") {
		t.Errorf("a terminal would obey: %q", &p.out)
	}
	if code, err := p.run("status", "--json"); code != 0 {
		t.Fatal(err)
	}
	var got struct{ Sockets []state.Socket }
	if err := json.Unmarshal(p.out.Bytes(), &got); err != nil || !reflect.DeepEqual(got.Sockets, open) {
		t.Errorf("%v, %+v", err, got)
	}

	p.file(`[service]
[[service.socket]]
name = "api"
listen = "tcp:127.0.0.1:0"
[[service.socket]]
name = "log"
listen = "udp::515"
[[service.socket]]
name = "web"
listen = "tcp::81"
[[service.socket]]
name = "bad"
listen = "` + gone + `"
[[service.socket]]
name = "new"
listen = "tcp::82"
`)
	r, _ := p.diagnosis()
	var closed []string
	for _, f := range r.Findings {
		if f.ID == "socket-closed" {
			_, what, _ := strings.Cut(f.Cause, `socket "`)
			closed = append(closed, what+": "+strings.Fields(f.Fix)[1])
		}
	}
	want := []string{
		`log" of the configuration is not open on udp::515: the process listens at udp:[::]:514: restart`,
		`web" of the configuration is not open on tcp::81: the process listens at tcp:[::]:80: reload`,
		`bad" of the configuration is not open on ` + gone + `: its file is gone: restart`,
		`new" of the configuration is not open on tcp::82: the process has not opened it: restart`,
	}
	if !slices.Equal(closed, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(closed, "\n"), strings.Join(want, "\n"))
	}
}

// What systemd cannot do for a socket is found with its place, as what it cannot do for a key.
func TestCheckFindsASocketThatSystemdRefuses(t *testing.T) {
	p := newPlace(t)
	p.file("[service]\nactivation = \"socket\"\n[[service.socket]]\nname = \"api\"\nlisten = \"tcp:127.0.0.1:0\"\n")
	err := p.runOn(t.Context(), anywhere(p), "check", "--manager", "systemd")
	want := p.cfg.File + ":5: service.socket.1.listen: \"tcp:127.0.0.1:0\": systemd does not choose a port: name one (systemd)\n"
	if code := cli.ExitCode(err); code != platform.ExitBadConfig || !strings.Contains(p.out.String(), want) {
		t.Errorf("exit code %d, %v\n%s\nwant %s", code, err, &p.out, want)
	}
}
