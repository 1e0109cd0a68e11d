package kardianos_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// The definition for a Config on each system has these lines, and lacks others.
func TestDefinitions(t *testing.T) {
	all := func(c *service.Config) {
		*c = service.Config{
			Name: "feed", DisplayName: "The Feed", Description: "feeds\nthe shipper", Arguments: []string{"a b", "$(id)", "100%"}, EnvVars: map[string]string{"A": "two words"},
		}
	}
	with := func(change func(*service.Config)) func(*service.Config) {
		return func(c *service.Config) { all(c); change(c) }
	}
	for name, tt := range map[string]struct {
		on     string
		change func(*service.Config)
		has    []string
		lacks  []string
	}{
		"systemd": {"linux-systemd", all, []string{
			"ExecStart=\"/opt/a b/feed\" \"a b\" \"$$(id)\" \"100%%\"\n", "Description=feeds the shipper\n", "Environment=\"A=two words\"\n", "Restart=always\n", "RestartSec=120s\n",
			"Type=notify\n", "UMask=0022\n", "EnvironmentFile=-/etc/sysconfig/feed\n", "TimeoutStopSec=90s\n", "RestartPreventExitStatus=\n",
		}, []string{"run", "ProtectSystem", "NoNewPrivileges", "ExecReload", "CapabilityBoundingSet"}},
		"systemd, lines": {"linux-systemd", with(func(c *service.Config) {
			c.Dependencies = []string{"After=network.target syslog.target", "Requires=x.service\nBefore=y.service"}
		}), []string{"\nAfter=network.target syslog.target\nRequires=x.service\nBefore=y.service\n"}, nil},
		"systemd, restart": {"linux-systemd", option("Restart", "on-success"), []string{"Restart=on-success\n"}, []string{"Restart=always"}},
		"systemd, abort":   {"linux-systemd", option("Restart", "on-abort"), []string{"Restart=on-abort\n"}, nil},
		"systemd, never":   {"linux-systemd", option("Restart", "no"), []string{"Restart=no\n"}, []string{"Restart=always"}},
		"systemd, nothing": {"linux-systemd", option("Restart", ""), []string{"Restart=no\n"}, []string{"Restart=always"}},
		"systemd, success": {"linux-systemd", option("SuccessExitStatus", "1 2 8 SIGKILL"), []string{"SuccessExitStatus=1 2 8 SIGKILL\n"}, nil},
		"systemd, signal":  {"linux-systemd", option("ReloadSignal", "USR1"), []string{"ExecReload=/bin/kill -USR1 $MAINPID\n"}, nil},
		"systemd, files":   {"linux-systemd", option("LimitNOFILE", 1000), []string{"LimitNOFILE=1000\n"}, nil},
		"systemd, PID":     {"linux-systemd", option("PIDFile", "/run/x 100%.pid"), []string{"PIDFile=/run/x 100%%.pid\n"}, nil},
		"systemd, output": {"linux-systemd", with(func(c *service.Config) {
			c.Option = service.KeyValue{"LogOutput": true, "LogDirectory": "/srv/log"}
		}), []string{"StandardOutput=append:/srv/log/feed.out\n", "StandardError=append:/srv/log/feed.err\n"}, nil},
		"systemd, user":      {"linux-systemd", with(func(c *service.Config) { c.UserName, c.WorkingDirectory = "joe", "/srv/a b" }), []string{"User=joe\n", "WorkingDirectory=/srv/a b\n"}, nil},
		"systemd, root":      {"linux-systemd", with(func(c *service.Config) { c.ChRoot = "/srv/root" }), []string{"RootDirectory=/srv/root\n"}, nil},
		"systemd, singleton": {"linux-systemd", option("Singleton", true), []string{"RestartPreventExitStatus=75 77 78\n"}, []string{"RestartPreventExitStatus=\n"}},
		"systemd, hardened":  {"linux-systemd", option("Hardening", true), []string{"ProtectSystem=strict\n"}, nil},
		"systemd, stop":      {"linux-systemd", option("StopTimeout", "5s"), []string{"TimeoutStopSec=15s\n"}, nil},
		"sysv": {"unix-systemv", all, []string{
			"'/usr/bin/env' 'HOLDFAST_AS=feed' '/opt/a b/feed' 'spawn'", "'/opt/a b/feed' 'a b' '$(id)' '100%'", "'--timeout' '1m30s'", "'--umask' '0022'", "'--sourced' '/etc/sysconfig/feed'",
		}, []string{"'run'", "'supervise'"}},
		"sysv, restart": {"unix-systemv", option("Restart", "always"), []string{"'supervise' '--scope' 'system' '--manager' 'none' '--restart' 'always' '--delay' '2m0s'"}, nil},
		"sysv, signal":  {"unix-systemv", option("ReloadSignal", "HUP"), []string{"kill -HUP"}, nil},
		"sysv, codes": {"unix-systemv", with(func(c *service.Config) {
			c.Option = service.KeyValue{"Restart": "on-failure", "SuccessExitStatus": "3 SIGKILL"}
		}), []string{"'--restart' 'on-failure,3'"}, nil},
		"openrc": {"linux-openrc", with(func(c *service.Config) { c.Dependencies = []string{"need net", "use dns logger\nafter firewall"} }), []string{
			"need net", "want dns\n", "want logger\n", "after firewall\n", "'/usr/bin/env' 'HOLDFAST_AS=feed' '/opt/a b/feed' 'spawn'",
		}, []string{"'run'"}},
		"launchd":       {"darwin-launchd", all, []string{"<string>$(id)</string>", "<key>KeepAlive</key>"}, []string{"<string>run</string>"}},
		"launchd, once": {"darwin-launchd", with(func(c *service.Config) { c.Option = service.KeyValue{"KeepAlive": false, "RunAtLoad": true} }), []string{"<key>RunAtLoad</key>"}, []string{"<key>KeepAlive</key>"}},
		"launchd, own":  {"darwin-launchd", option("SessionCreate", true), []string{"<key>SessionCreate</key>"}, nil},
		"scm":           {"windows-service", all, []string{`$(id)`}, []string{`\"restart\":true`}},
		"scm, disabled": {"windows-service", option("StartType", "disabled"), []string{`"disabled":true`}, nil},
		"scm, reboot":   {"windows-service", option("OnFailure", "reboot"), []string{`"actions":[{"restart":true,"delay_ms":1000},{"restart":false,"reboot":true,"delay_ms":1000}]`, `"reset_s":86400`}, nil},
		"scm, codes": {"windows-service", with(func(c *service.Config) {
			c.Option = service.KeyValue{"OnFailure": "restart", "SuccessExitStatus": "3 5"}
		}), []string{`"Restart":"on-failure,3,5"`}, nil},
		"scm, onfailure": {"windows-service", option("OnFailure", "restart"), []string{`"restart":true`}, nil},
	} {
		c := &service.Config{Name: "feed"}
		tt.change(c)
		text, err := kardianos.Plan(t.Context(), tt.on, systems[tt.on], c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range tt.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		for _, not := range tt.lacks {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q in\n%s", name, not, text)
			}
		}
	}
}

// What would be unsafe to ignore is refused by name.
func TestRefused(t *testing.T) {
	for on, change := range map[string]func(*service.Config){
		"unix-systemv":    func(c *service.Config) { c.ChRoot = "/srv" },
		"linux-openrc":    func(c *service.Config) { c.ChRoot = "/srv" },
		"darwin-launchd":  func(c *service.Config) { c.ChRoot = "/srv" },
		"windows-service": option("StartType", "sometimes"),
	} {
		c := &service.Config{Name: "feed"}
		change(c)
		if _, err := kardianos.Plan(t.Context(), on, systems[on], c); !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("%s: %v", on, err)
		}
	}
}

// A service's output goes to the same files as with the library's own definitions.
func TestOutputs(t *testing.T) {
	t.Setenv("HOME", "/home/joe")
	t.Setenv("USERPROFILE", "/home/joe")
	for want, c := range map[string]service.KeyValue{
		"/var/log/feed.out.log /var/log/feed.err.log":   nil,
		"/srv/log/feed.out.log /srv/log/feed.err.log":   {"LogDirectory": "/srv/log"},
		"/home/joe/feed.out.log /home/joe/feed.err.log": {"UserService": true},
	} {
		if out, err := kardianos.Outputs("darwin-launchd", "launchd", &service.Config{Name: "feed", Option: c}); out+" "+err != want {
			t.Errorf("%v: %s %s", c, out, err)
		}
	}
	if out, err := kardianos.Outputs("unix-systemv", "sysv", &service.Config{Name: "feed", Option: service.KeyValue{"LogDirectory": "/srv/log/"}}); out != "/srv/log/feed.log" || err != "/srv/log/feed.err" {
		t.Errorf("%s %s", out, err)
	}
}

// Issue 13: a user's service cannot get capabilities, and Windows has neither users' services
// nor a limit of files. The library accepts these settings there.
func TestWhatTheLibraryInstallsIsInstalled(t *testing.T) {
	for name, tt := range map[string]struct {
		on     string
		change func(*service.Config)
	}{
		"a user's service": {"linux-systemd", option("UserService", true)},
		"files on Windows": {"windows-service", option("LimitNOFILE", 1000)},
		"user on Windows":  {"windows-service", option("UserService", true)},
		"hardened Windows": {"windows-service", option("Hardening", true)},
		"hardened launchd": {"darwin-launchd", option("Hardening", true)},
	} {
		c := &service.Config{Name: "feed"}
		tt.change(c)
		if _, err := kardianos.Plan(t.Context(), tt.on, systems[tt.on], c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
