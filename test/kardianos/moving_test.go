//go:build linux

package kardianos_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// The library itself has installed the service. A binary that adopts replaces the old one, and
// later the machine goes back.
func movingInPlace(t *testing.T, s *stage) {
	manager := s.bed.Kind().Manager
	path := map[string]string{"systemd": "/etc/systemd/system/feed.service"}[manager]
	if path == "" {
		path = "/etc/init.d/feed"
	}
	s.spec("feed", "", "")
	// systemd reads lines, and in a script of SysV a shell executes them. OpenRC has neither.
	setting := map[string]string{"systemd": "SAID=sysconfig", "sysv": "IS=sysconfig; export SAID=$IS"}[manager]
	s.sh("mkdir -p /etc/sysconfig && echo '" + setting + "' >/etc/sysconfig/feed; touch /etc/agent.plain")
	s.sh("$P /etc/feed.json install && cp " + path + " /etc/theirs")
	s.try("$P /etc/feed.json start")
	s.until("grep running $J")
	said := func() {
		if setting != "" {
			s.says("tail -n 4 $J", "said sysconfig")
		}
	}
	said()

	// It adopts, and everything works under the old definition.
	s.sh("rm /etc/agent.plain $J")
	s.sh("$P /etc/feed.json restart")
	s.until("grep running $J")
	s.sh("cmp " + path + " /etc/theirs")
	s.says("$P /etc/feed.json status", "running")
	s.sh("$P /etc/feed.json stop && grep stopped $J")
	s.try("$P /etc/feed.json status >/etc/asked")
	s.sh("$P /etc/feed.json start")
	s.until("test $(grep -c running $J) = 2")

	// Install converts the definition and shows the changes. The running service goes on.
	out := s.sh("$P /etc/feed.json install 2>&1")
	if !strings.Contains(out, path+" changes:\n") || !strings.Contains(out, "\n  -") || !strings.Contains(out, "\n  +") {
		t.Errorf("install shows no difference: %s", out)
	}
	s.sh("! cmp -s " + path + " /etc/theirs && grep 'Made by holdfast' " + path)
	s.fails("$P /etc/feed.json install", "Init already exists")
	if manager == "sysv" { // whose process only the old script knows: it was started anew
		s.sh("test $(grep -c running $J) = 3 && test $(pgrep -cx agent) = 1")
	} else {
		s.sh("test $(grep -c running $J) = 2")
		s.sh("$P /etc/feed.json restart && test $(grep -c running $J) = 3 && test $(pgrep -cx agent) = 1")
	}
	said()
	s.says("$P /etc/feed.json status", "running")

	// Then back, as the migration page says: the binary that adopts stops and uninstalls the
	// service, and the other one installs it. Nothing of holdfast is left in between.
	s.sh("$P /etc/feed.json stop && $P /etc/feed.json uninstall && ! test -e " + path + " && ! pgrep -x agent")
	s.sh("rm -f $J; touch /etc/agent.plain; $P /etc/feed.json install && cmp " + path + " /etc/theirs")
	s.try("$P /etc/feed.json start")
	s.until("grep running $J")
	said()
	s.says("$P /etc/feed.json status", "running")
	s.try("$P /etc/feed.json stop")
	s.until("! pgrep -x agent")
	s.sh("$P /etc/feed.json uninstall; rm /etc/agent.plain; rm -f /etc/rc?.d/[SK]??feed; $P /etc/feed.json install && $P /etc/feed.json start")

	// The library can also remove what holdfast has installed, and install its own definition.
	s.sh("$P /etc/feed.json stop && rm -f $J && touch /etc/agent.plain")
	s.sh("$P /etc/feed.json uninstall && ! test -e " + path + " && $P /etc/feed.json install && cmp " + path + " /etc/theirs")
	s.try("$P /etc/feed.json start")
	s.until("grep running $J")
	said()
	// After an uninstall by the binary that adopts, nothing is left, and nothing comes back.
	s.sh("rm /etc/agent.plain; $P /etc/feed.json stop; $P /etc/feed.json uninstall && ! ls " + path + "* && ! ls /etc/rc?.d/*feed && ! pgrep -x agent")
	s.says("$P /etc/feed.json status", "not installed")
}

// The steps of examples/kardianos/README.md, in its order, with its program.
func theMigrationPage(t *testing.T, s *stage) {
	path := map[string]string{"systemd": "/etc/systemd/system/classic.service"}[s.bed.Kind().Manager]
	if path == "" {
		path = "/etc/init.d/classic"
	}
	for from, to := range map[string]string{"examples/kardianos": "/opt/move/after", "examples/kardianos/before": "/opt/move/before", "examples/minimal": "/opt/minimal"} {
		s.as(t, s.shop.get(t, "linux", from), to)
	}
	t.Cleanup(func() {
		s.try("cd /opt/move; ./classic -service stop; ./classic -service uninstall; pkill -x classic; rm -rf /opt/move /etc/sysconfig/classic")
	})
	if s.bed.Kind().Manager == "sysv" { // the plain program ends without a syslog, and the bed has none
		s.sh(`perl -MSocket -e 'socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un("/dev/log")); while (defined recv(S, $_, 9999, 0)) {}' >/dev/null 2>&1 & echo $! >/run/move.syslog`)
		t.Cleanup(func() { s.try("kill $(cat /run/move.syslog); rm -f /dev/log") })
		s.until("test -S /dev/log")
	}
	place := func(which string) { s.sh("cd /opt/move && cp " + which + " classic.new && mv classic.new classic") }
	call := func(verb string) string {
		s.Helper()
		return s.sh("cd /opt/move && ./classic -service " + verb + " 2>&1")
	}

	// The classic example.
	place("after")
	s.sh("cd /opt/move && ./classic -service install && ./classic -service start && pgrep -x classic")
	s.sh("cd /opt/move && ./classic -service stop && ./classic -service uninstall && ! pgrep -x classic && ! test -e " + path)

	// The section "Machines where the library has installed the service".
	place("before")
	call("install")
	s.sh("cp " + path + " /opt/move/theirs; mkdir -p /etc/sysconfig; echo 'KEPT=setting' >/etc/sysconfig/classic")
	s.try("cd /opt/move && ./classic -service start")
	s.until("pgrep -x classic")
	migrated := func(wants ...string) {
		t.Helper()
		out := s.sh("/opt/minimal migrate " + path)
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("migrate does not say %q:\n%s", want, out)
			}
		}
	}
	migrated(`"/opt/move/classic"`, `called "classic"`, "install --adopt")
	place("after")
	s.sh("cd /opt/move && for verb in restart stop start; do ./classic -service $verb || exit; done && cmp " + path + " theirs")
	s.until("pgrep -x classic") // the library's unit is of Type=simple
	if out := call("install"); !strings.Contains(out, path+" changes:\n  ") {
		t.Errorf("install shows no lines that change: %s", out)
	}
	s.fails("cd /opt/move && ./classic -service install 2>&1", "already exists")
	call("restart")
	s.until("pgrep -x classic")
	if s.bed.Kind().Manager == "systemd" { // on SysV what it exports; OpenRC has no such file
		s.sh("tr '\\0' '\\n' </proc/$(cat /run/classic/classic.pid)/environ | grep KEPT=setting")
	}

	migrated("It is already a definition by holdfast", "Logs once a minute that it is running.")

	// The section "Going back".
	call("stop")
	call("uninstall")
	place("before")
	call("install")
	s.sh("cmp " + path + " /opt/move/theirs && ls /var/lib/classic")
	s.try("cd /opt/move && ./classic -service start")
	s.until("pgrep -x classic")
	s.try("cd /opt/move && ./classic -service stop")
	s.until("! pgrep -x classic")
}

const (
	newUnit = "[Unit]\nDescription={{Description}}\n[Service]\nExecStart={{Path | cmdEscape}}{{range Arguments}} {{. | cmd}}{{end}}\n{{if Restart}}Restart={{Restart}}\n{{end}}[Install]\nWantedBy=multi-user.target\n"
	oldUnit = "[Unit]\nDescription={{.Description}}\n[Service]\nExecStart={{.Path|cmdEscape}}{{range .Arguments}} {{.|cmd}}{{end}}\n{{if .Config.Option.KillMode}}KillMode={{.Config.Option.KillMode}}\n{{end}}{{if gt .LimitNOFILE -1}}LimitNOFILE={{.LimitNOFILE}}\n{{end}}[Install]\nWantedBy=multi-user.target\n"
	newInit = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: feed\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: {{DisplayName}}\n### END INIT INFO\ncase $1 in\nstart) {{Path}}{{range Arguments}} {{. | cmd}}{{end}} >/dev/null 2>&1 & echo $! >/run/feed.own ;;\nstop) kill $(cat /run/feed.own) 2>/dev/null; rm -f /run/feed.own; true ;;\nstatus) if test -e /run/feed.own; then echo Running; else echo Stopped; fi ;;\nesac\n"
	oldInit = "#!/bin/sh\n{{/* as up to 1.2.4 */}}### BEGIN INIT INFO\n# Provides: {{.Name}}\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: {{.DisplayName}}\n### END INIT INFO\ncase $1 in\nstart) {{.Path}}{{range $i, $a := .Arguments}} {{$a|cmd}}{{end}} >/dev/null 2>&1 & echo $! >/run/feed.own ;;\nstop) kill $(cat /run/feed.own) 2>/dev/null; rm -f /run/feed.own; true ;;\nstatus) if test -e /run/feed.own; then echo Running; else echo Stopped; fi ;;\nesac\n"
	newRC   = "#!/sbin/openrc-run\nsupervisor=supervise-daemon\ncommand={{Path | cmdEscape}}\ncommand_args=\"{{range Arguments}}{{.}} {{end}}\"\n"
	oldRC   = "#!/sbin/openrc-run\nsupervisor=supervise-daemon\ncommand={{.Path|cmdEscape}}\ncommand_args=\"{{range .Arguments}}{{.}} {{end}}\"\n"
)

// A program's own template, in the present grammar or in that of 1.2.4 and earlier, is
// installed as it is rendered, and the service runs by it.
func customTemplates(t *testing.T, s *stage) {
	key, path, templates := "SystemdScript", "/etc/systemd/system/feed.service", map[string]string{
		newUnit: "[Unit]\nDescription=an agent\n[Service]\nExecStart=/opt/agent \"/etc/feed.json\"\nRestart=always\n[Install]\nWantedBy=multi-user.target\n",
		oldUnit: "[Unit]\nDescription=an agent\n[Service]\nExecStart=/opt/agent \"/etc/feed.json\"\nKillMode=process\nLimitNOFILE=77\n[Install]\nWantedBy=multi-user.target\n",
	}
	switch s.bed.Kind().Manager {
	case "sysv":
		key, path, templates = "SysvScript", "/etc/init.d/feed", map[string]string{newInit: "", oldInit: ""}
	case "openrc":
		key, path, templates = "OpenRCScript", "/etc/init.d/feed", map[string]string{newRC: "", oldRC: ""}
	}
	for text, want := range templates {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		s.spec("feed", "", `"DisplayName": "The Feed", "Option": {"KillMode": "process", "LimitNOFILE": 77, "`+key+`": `+string(quoted)+`}`)
		out := s.sh("$P /etc/feed.json install")
		if !strings.Contains(out, "KillMode is unknown and has no effect") {
			t.Errorf("install warned %q", out)
		}
		got := s.sh("cat " + path)
		if strings.Contains(got, "{{") || strings.Contains(got, "holdfast") || want != "" && got != want {
			t.Errorf("installed\n%s\nwant\n%s", got, want)
		}
		s.fails("$P /etc/feed.json install", "Init already exists")
		s.sh("$P /etc/feed.json start")
		s.until("grep running $J")
		s.says("$P /etc/feed.json status", "running")
		s.sh("$P /etc/feed.json stop")
		s.until("grep stopped $J")
		s.sh("$P /etc/feed.json uninstall && ! test -e " + path)
		s.says("$P /etc/feed.json status", "not installed")
		s.clear("feed")
	}
	// A text that is no template installs nothing.
	s.spec("feed", "", `"Option": {"`+key+`": "{{Nonsense}} {{.Nonsense}}"}`)
	s.fails("$P /etc/feed.json install", "option "+key)
	s.sh("! test -e " + path)
}
