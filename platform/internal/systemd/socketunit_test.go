package systemd_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

const feeddSocket = "/etc/systemd/system/feedd.socket"

// activated returns feedd with a socket of each kind, and units that listen for it.
func activated() platform.Unit {
	u := feedd()
	u.User, u.Activation = "feed", platform.ActivationSocket
	u.Sockets = []platform.Socket{
		{Name: "web", Listen: "tcp::80", Backlog: 128, KeepAlive: 30 * time.Second},
		{Name: "api", Listen: "tcp:127.0.0.1:8080", ReusePort: true, FreeBind: true},
		{Name: "six", Listen: "tcp:[::]:81", IPv6Only: true},
		{Name: "link", Listen: "udp:[fe80::1%eth0]:53", FreeBind: true},
		{Name: "admin", Listen: "unix:/run/feedd/50% admin.sock", Mode: "0600"},
		{Name: "open", Listen: "unix:/run/feedd-open.sock", Mode: "0666", Owner: "root", Group: "www-data"},
		{Name: "hidden", Listen: "unix:@feedd"},
	}
	return u
}

func TestRenderSocketUnits(t *testing.T) {
	units, err := systemd.RenderSockets(activated())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, u := range units {
		got.WriteString("== " + u.Name + "\n" + string(u.Content))
	}
	service, err := systemd.Render(activated(), 257)
	if err != nil {
		t.Fatal(err)
	}
	got.WriteString("== feedd.service\n" + string(service))
	golden := filepath.Join("testdata", "activated-257.units")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || got.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%v: differs from %s (-update writes it):\n%s", err, golden, got.String())
	}
}

func TestSocketUnitsRefuse(t *testing.T) {
	for key, spoil := range map[string]func(*platform.Unit){
		"activation":               func(u *platform.Unit) { u.Activation = "timer" },
		"[[service.socket]]":       func(u *platform.Unit) { u.Sockets = nil },
		"root_directory":           func(u *platform.Unit) { u.RootDirectory = "/srv" },
		"systemd.preserve_sockets": func(u *platform.Unit) { u.Systemd.PreserveSockets = true },
		"socket.1.listen":          func(u *platform.Unit) { u.Sockets[0].Listen = "tcp:127.0.0.1:0" },
		"socket.5.mode":            func(u *platform.Unit) { u.Sockets[4].Mode = "rw" },
		"socket.5.listen":          func(u *platform.Unit) { u.Sockets[4].Listen = "unix:/run/a\nb" },
		"socket.5.group":           func(u *platform.Unit) { u.Sockets[4].Group = "www-data" },
		"socket.6.owner":           func(u *platform.Unit) { u.Sockets[5].Owner = "a b" },
		"socket.6.group": func(u *platform.Unit) {
			u.Scope, u.User, u.Sockets[5].Owner = platform.ScopeUser, "", ""
		},
	} {
		u := activated()
		spoil(&u)
		_, err := systemd.New(&machine{}, systemd.Options{Home: "/home/ann"}).Plan(t.Context(), u)
		if !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

const askSockets = ctl + "show --property=Id,LoadState,ActiveState,UnitFileState,Result,NeedDaemonReload,TriggerLimitBurst,TriggerLimitIntervalUSec -- "

// listening returns a machine that has installed u, with its sockets in that state.
func listening(t *testing.T, u platform.Unit, service, socket string) *machine {
	t.Helper()
	unit, err := systemd.Render(u, 257)
	if err != nil {
		t.Fatal(err)
	}
	sys := &machine{files: map[string]string{feeddFile: string(unit)}, answers: map[string]answer{
		show + "feedd.service": {out: "LoadState=loaded\nFragmentPath=" + feeddFile + "\n" + service},
		"systemctl --version":  {out: "systemd 257 (257.1)\n"},
	}}
	units, err := systemd.RenderSockets(u)
	if err != nil {
		t.Fatal(err)
	}
	var names, shows []string
	for _, s := range units {
		sys.files["/etc/systemd/system/"+s.Name] = string(s.Content)
		names, shows = append(names, s.Name), append(shows, "Id="+s.Name+"\nLoadState=loaded\n"+socket)
	}
	sys.answers[askSockets+strings.Join(names, " ")] = answer{out: strings.Join(shows, "\n\n") + "\n"}
	return sys
}

func oneSocket() platform.Unit {
	u := feedd()
	u.Activation, u.Sockets = platform.ActivationSocket, []platform.Socket{{Name: "api", Listen: "tcp::80"}}
	return u
}

// The units are one thing for every verb.
func TestVerbsActOnSocketUnits(t *testing.T) {
	const (
		runs, stopped = "ActiveState=active\nMainPID=7\n", "ActiveState=inactive\n"
		boot, demand  = "UnitFileState=enabled\n", "UnitFileState=disabled\n"
		up, down      = "ActiveState=active\nUnitFileState=enabled", "ActiveState=failed\nResult=trigger-limit-hit\nUnitFileState=enabled"
	)
	for name, tt := range map[string]struct {
		service, socket string
		do              verb
		want            []string
	}{
		"stop":                           {runs + boot, up, (*systemd.Manager).Stop, []string{"stop feedd.socket feedd.service"}},
		"start":                          {stopped + boot, up, (*systemd.Manager).Start, []string{"start feedd.socket feedd.service"}},
		"start of one on demand":         {stopped + demand, down, (*systemd.Manager).Start, []string{"start feedd.socket"}},
		"restart":                        {runs + boot, up, (*systemd.Manager).Restart, []string{"restart feedd.service"}},
		"restart of one on demand":       {runs + demand, up, (*systemd.Manager).Restart, []string{"restart feedd.service"}},
		"restart, stopped and on demand": {stopped + demand, up, (*systemd.Manager).Restart, []string{"restart feedd.socket"}},
		"restart without a socket":       {runs + boot, down, (*systemd.Manager).Restart, []string{"stop feedd.socket feedd.service", "start feedd.socket feedd.service"}},
		"reload":                         {runs + boot, up, (*systemd.Manager).Reload, []string{"reload feedd.service"}},
	} {
		sys := listening(t, oneSocket(), tt.service, tt.socket)
		for _, line := range append(tt.want, "reset-failed feedd.service feedd.socket") {
			sys.answers[ctl+line] = answer{}
		}
		if err := tt.do(systemd.New(sys, systemd.Options{}), t.Context(), feeddID); err != nil {
			t.Errorf("%s: %v; ran %q", name, err, sys.ran)
		}
		for _, line := range tt.want {
			if !sys.did(ctl + line) {
				t.Errorf("%s: did not %s: %q", name, line, sys.ran)
			}
		}
	}
}

func TestStatusOfSocketUnits(t *testing.T) {
	for shows, want := range map[string]platform.Trigger{
		"ActiveState=active\nUnitFileState=enabled":    {Listening: true, Enabled: true},
		"ActiveState=inactive\nUnitFileState=disabled": {},
		"ActiveState=failed\nUnitFileState=enabled\nResult=service-start-limit-hit": {
			Enabled: true, Failed: "feedd.socket no longer listens: the service has failed too often, and connections no longer start it",
		},
		"ActiveState=failed\nUnitFileState=enabled\nResult=trigger-limit-hit": {
			Enabled: true, Failed: "feedd.socket no longer listens: connections have started the service more than 10 times within 10s",
		},
		"ActiveState=failed\nUnitFileState=enabled\nResult=trigger-limit-hit\nTriggerLimitBurst=3\nTriggerLimitIntervalUSec=1min 30s": {
			Enabled: true, Failed: "feedd.socket no longer listens: connections have started the service more than 3 times within 1m30s",
		},
	} {
		want.Units = []string{"feedd.socket"}
		sys := listening(t, oneSocket(), "ActiveState=inactive\n", shows)
		st, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || st.Trigger == nil || !reflect.DeepEqual(*st.Trigger, want) {
			t.Errorf("%q: %v, %+v", shows, err, st.Trigger)
		}
	}
	st, err := systemd.New(listening(t, feedd(), "ActiveState=inactive\n", ""), systemd.Options{}).Status(t.Context(), feeddID)
	if err != nil || st.Trigger != nil {
		t.Errorf("without any: %v, %+v", err, st.Trigger)
	}
}

// An install writes, enables and removes the units of sockets, and stops the service only if
// systemd could not change a socket otherwise.
func TestPlanSocketUnits(t *testing.T) {
	const (
		check  = "run " + ctl + "show --property=Version <- " + ctl + "daemon-reload"
		reload = "run " + ctl + "daemon-reload"
		up     = "ActiveState=active\nUnitFileState=enabled"
		runs   = "ActiveState=active\nUnitFileState=enabled\n"
	)
	moved := oneSocket()
	moved.Sockets[0].Listen = "tcp::81"
	demand := oneSocket()
	demand.StartType = platform.StartManual
	for name, tt := range map[string]struct {
		sys  *machine
		unit platform.Unit
		want []string
	}{
		"first time": {inState(t, "257", "absent"), demand, []string{
			check, "write-file " + feeddSocket, "write-file " + feeddFile, reload, "run " + ctl + "disable feedd.service",
			"run " + ctl + "enable feedd.socket <- " + ctl + "disable feedd.socket",
		}},
		"again": {listening(t, oneSocket(), runs, up), oneSocket(), []string{
			check, "write-file " + feeddSocket, "write-file " + feeddFile, reload, "run " + ctl + "reenable feedd.service", "run " + ctl + "reenable feedd.socket",
		}},
		"another address": {listening(t, oneSocket(), runs, up), moved, []string{
			check, "run " + ctl + "stop feedd.socket feedd.service <- " + ctl + "start feedd.socket feedd.service",
			"write-file " + feeddSocket, "write-file " + feeddFile, reload, "run " + ctl + "reenable feedd.service", "run " + ctl + "reenable feedd.socket",
		}},
		"no longer": {listening(t, oneSocket(), runs, up), feedd(), []string{
			check, "run " + ctl + "stop feedd.socket feedd.service <- " + ctl + "start feedd.socket feedd.service",
			"run " + ctl + "disable feedd.socket <- " + ctl + "enable feedd.socket",
			"remove-file " + feeddSocket, "write-file " + feeddFile, reload, "run " + ctl + "reenable feedd.service",
		}},
	} {
		steps, err := systemd.New(tt.sys, systemd.Options{}).Plan(t.Context(), tt.unit)
		if got := lines(steps); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, steps\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	foreign := inState(t, "257", "absent")
	foreign.files[feeddSocket] = "[Socket]\n"
	if _, err := systemd.New(foreign, systemd.Options{}).Plan(t.Context(), oneSocket()); !errors.Is(err, platform.ErrForeign) || !strings.Contains(err.Error(), feeddSocket) {
		t.Error(err)
	}
	steps, err := systemd.New(listening(t, oneSocket(), runs, up), systemd.Options{}).Removal(t.Context(), feeddID)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"run " + ctl + "stop feedd.socket feedd.service <- " + ctl + "start feedd.socket feedd.service",
		"run " + ctl + "disable feedd.socket feedd.service <- " + ctl + "enable feedd.service feedd.socket",
		"remove-file " + feeddSocket, "remove-file " + feeddFile, reload,
		"run " + ctl + "reset-failed feedd.socket feedd.service ?", "remove-dir /run/feedd",
	}
	if got := lines(steps); !reflect.DeepEqual(got, want) {
		t.Errorf("removal\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
