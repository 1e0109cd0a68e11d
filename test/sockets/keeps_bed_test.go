//go:build linux

package sockets_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A row is a row of the table "Who keeps them" in docs/sockets.md, with a configuration to try
// it. Its cell is "kept" or "closed".
type row struct {
	who                  string
	restart, crash, stop string
	tried                []tried
}

type tried struct{ manager, settings, stop string }

var rows = []row{
	{"systemd", "kept", "kept", "kept with `systemd.preserve_sockets = true`, from systemd 254 on", []tried{
		{"systemd", "", "closed"}, {"systemd", "systemd.preserve_sockets = true\n", "kept"},
	}},
	{"SysV, OpenRC, with `supervise = true`, on Linux", "kept", "kept", "closed", []tried{
		{"sysv", "supervise = true\n", "closed"}, {"openrc", "supervise = true\n", "closed"},
	}},
	{"`supervise` by hand, without a manager, on Linux", "", "kept", "closed", nil}, // TestByHand
	{
		"SysV, OpenRC, without it; launchd; Windows; the other inits of kardianos/service; `run` by hand", "closed", "closed", "closed", // see also TestNobodyKeepsSockets of platform/native
		[]tried{{"sysv", "", "closed"}, {"openrc", "", "closed"}},
	},
}

// The rows are those of the documentation.
func TestTableOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/sockets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, _ := strings.Cut(string(text), "## Who keeps them\n")
	table, _, _ := strings.Cut(text2, "\n\nWhere a socket is closed")
	var want strings.Builder
	want.WriteString("\n| | restart, upgrade | crash, `kill -9` | stop, then start |\n| --- | --- | --- | --- |")
	for _, r := range rows {
		want.WriteString("\n|")
		for _, cell := range []string{r.who, r.restart, r.crash, r.stop} {
			want.WriteString(strings.TrimSuffix(" "+cell, " ") + " |")
		}
	}
	if table != want.String() {
		t.Errorf("it has\n%s\nand tried is\n%s", table, &want)
	}
}

// A kept socket is the same one afterwards, and is open meanwhile. status says who keeps it.
func TestWhoKeepsThem(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		for _, try := range r.tried {
			t.Run(strings.TrimSpace(try.manager+" "+try.settings), func(t *testing.T) {
				bed.Each(t, try.manager, func(t *testing.T, b *bed.Bed) {
					s := newStage(t, b)
					text := "[service]\nrestart.delay = \"10ms\"\nrestart.max = -1\n" + try.settings + sockets
					if strings.Contains(text, "preserve") && strings.Contains(s.must("systemctl --version"), "systemd 252") {
						s.refused(text, "systemd 252 cannot, 254 and later can")
						return
					}
					s.install(text)
					s.says(r.restart, map[string]string{"systemd": "systemd"}[try.manager])
					before := s.socket()
					s.must("web restart")
					s.ready()
					s.is("after a restart", r.restart, before)
					before = s.socket()
					if try.manager == "sysv" && try.settings == "" { // nobody restarts it
						pid := s.state().Process.PID
						s.must("kill -9 " + strconv.Itoa(pid) + "; while kill -0 " + strconv.Itoa(pid) + " 2>/dev/null; do sleep 0.1; done; web start")
					} else {
						s.kill()
					}
					s.is("after a crash", r.crash, before)
					before = s.socket()
					s.must("web stop")
					if open := s.socket() != ""; open != (try.stop == "kept") {
						t.Errorf("while it is stopped: open is %v", open)
					}
					s.must("web start")
					s.is("after a stop and a start", try.stop, before)
				})
			})
		}
	}
}

// When a person starts the service, the supervisor keeps its sockets, and nobody else does.
func TestByHand(t *testing.T) {
	t.Parallel()
	bed.Each(t, "sysv", func(t *testing.T, b *bed.Bed) {
		s := newStage(t, b)
		if err := b.Write("/etc/web/web.toml", []byte(config+sockets), 0o644); err != nil {
			t.Fatal(err)
		}
		begin := func(command string) {
			t.Helper()
			s.must("setsid " + command + " >/tmp/log 2>&1 </dev/null &")
			s.ready()
		}
		for command, want := range map[string]string{"web run": "closed", "web supervise --delay 10ms -- /usr/local/bin/web run": "kept"} {
			begin(command)
			s.says(want, "")
			before, pid := s.socket(), s.state().Process.PID
			s.must("kill -9 " + strconv.Itoa(pid))
			if want == "closed" {
				wait.Until(t, "it is gone", func() bool { _, _, code := s.sh("kill -0 " + strconv.Itoa(pid)); return code != 0 }, s.log)
				begin(command)
			}
			wait.Until(t, "web is back", func() bool {
				now := s.state()
				return now.Phase == platform.PhaseReady && now.Process.PID != pid
			}, s.log)
			s.is(command+" after a crash", want, before)
			s.must("web stop")
			if s.socket() != "" {
				t.Errorf("%s: it is open while it is stopped", command)
			}
		}
	})
}

// refused checks that an install refuses a configuration.
func (s *stage) refused(text, why string) {
	s.t.Helper()
	if err := s.b.Write("/etc/web/web.toml", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if out, said, code := s.sh("web install"); code == 0 || !strings.Contains(out+said, why) {
		s.t.Errorf("code %d: %s%s", code, out, said)
	}
}

// socket returns the inode of the listening unix socket, or "" if there is none.
func (s *stage) socket() string {
	s.t.Helper()
	for line := range strings.Lines(s.must("cat /proc/net/unix")) {
		// Num RefCount Protocol Flags Type St Inode Path
		if f := strings.Fields(line); len(f) == 8 && f[3] == "00010000" && f[7] == "/run/web/admin.sock" {
			return f[6]
		}
	}
	return ""
}

func (s *stage) is(when, want, before string) {
	s.t.Helper()
	got := "closed"
	if s.socket() == before {
		got = "kept"
	}
	if got != want || before == "" {
		s.t.Errorf("%s: it is %s, want %s\n%s", when, got, want, s.log())
	}
}

// says checks what status says about sockets that are kept, or not, over a restart.
func (s *stage) says(want, by string) {
	s.t.Helper()
	if by == "" {
		by = "supervisor"
	}
	if want == "closed" {
		by = ""
	}
	var said struct{ Sockets []state.Socket }
	if err := json.Unmarshal([]byte(s.must("web status --json")), &said); err != nil {
		s.t.Fatal(err)
	}
	if len(said.Sockets) != 2 || said.Sockets[0].KeptBy != by || said.Sockets[1].KeptBy != by {
		s.t.Errorf("status says %+v, want by %q", said.Sockets, by)
	}
}
