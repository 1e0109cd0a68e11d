package cli_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// anywhere is a machine without a manager, on which a configuration is checked for all
// managers.
func anywhere(p *place) cli.Machine {
	m := p.machine()
	m.Manager = func(name string) (platform.Manager, error) {
		if name == "auto" {
			return nil, fmt.Errorf("%w: a test", platform.ErrNoManager)
		}
		return native.Manager(name)
	}
	return m
}

// badValues are senseless values of the keys of [service], each with its manager if only one
// is concerned.
var badValues = map[string][]string{
	"name":                                {`""`, `"../x"`, `"another"`, `7`},
	"display_name":                        {`"a\nb"`, `7`},
	"description":                         {`"a\nb"`, `7`},
	"args":                                {`["a\u0000"]`, `"-v"`},
	"env":                                 {`{"A=B" = "c"}`, `{"A" = "\u0000"}`, `["A=b"]`},
	"user":                                {`"a\nb"`, `7`, `"a b" systemd`, `"a:b" sysv`, `"a b" openrc`},
	"group":                               {`"a\nb"`, `7`, `"a b" systemd`, `"g" scm`},
	"working_directory":                   {`"here"`, `7`, `"/srv" scm`},
	"root_directory":                      {`"here"`, `7`, `"/srv/a\nb" systemd`, `"/srv" scm`, `"/srv" launchd`, `"/srv" sysv`},
	"start_type":                          {`"sometimes"`, `7`, `"manual" launchd`},
	"activation":                          {`"always"`, `7`, `"socket"`},
	"umask":                               {`"9"`, `"1777"`, `22`},
	"after":                               {`[""]`, `"x"`, `["a b"] systemd`, `["x"] launchd`},
	"requires":                            {`[""]`, `"x"`, `["a b"] systemd`, `["x"] launchd`},
	"wants":                               {`[""]`, `"x"`, `["a b"] systemd`, `["x"] launchd`, `["x"] scm`},
	"needs_network":                       {`"yes"`},
	"socket":                              {`"tcp::80"`, `[{name = "api"}]`, `[{name = "api", listen = "80"}]`, `[{name = "", listen = "tcp::80"}]`, `[{name = "api", listen = "tcp::80", mode = "0600"}]`},
	"start_timeout":                       {`"-1s"`, `"0s"`, `30`, `"soon"`},
	"stop_timeout":                        {`"-1s"`, `"0s"`, `30`, `"soon"`},
	"reload_timeout":                      {`"-1s"`, `"0s"`, `30`, `"soon"`},
	"watchdog":                            {`"-1s"`, `"1ms"`, `"999ms"`, `30`},
	"program_stop_timeout":                {`"-1s"`, `"1h"`, `30`},
	"health_interval":                     {`"-1s"`, `"1ns"`, `30`},
	"restart.policy":                      {`"sometimes"`, `true`},
	"restart.delay":                       {`"-1s"`, `2`, `"50000h" scm`},
	"restart.max":                         {`-2`, `0`, `"many"`},
	"restart.success_exit_codes":          {`[0]`, `[78]`, `["3"]`, `3`},
	"restart.window":                      {`"-1s"`, `"0s"`, `2`},
	"restart.backoff":                     {`0`, `0.5`, `-2.0`, `101`, `nan`, `"2"`},
	"restart.max_delay":                   {`"-1s"`, `"0s"`, `2`},
	"restart.jitter":                      {`-0.1`, `1.1`, `nan`, `"1s"`},
	"restart.reset_after":                 {`"-1s"`, `"0s"`, `2`},
	"limits.nofile":                       {`-1`, `3`, `"many"`, `100 scm`},
	"limits.nproc":                        {`-1`, `1`, `"many"`, `100 scm`},
	"limits.core":                         {`-1`, `"all"`, `0 scm`},
	"limits.memory":                       {`-1`, `"1K"`, `"much"`, `"1G" sysv`, `"1G" launchd`, `"1G" scm`},
	"limits.tasks":                        {`-1`, `1`, `"many"`, `100 openrc`, `100 launchd`, `100 scm`},
	"limits.cpu":                          {`-1`, `"half"`, `50 sysv`, `50 launchd`, `50 scm`},
	"limits.nice":                         {`-21`, `20`, `"high"`, `5 scm`},
	"hardening.no_new_privileges":         {`"perhaps"`},
	"hardening.protect_system":            {`"perhaps"`},
	"hardening.protect_home":              {`"perhaps"`},
	"hardening.private_tmp":               {`"perhaps"`},
	"hardening.private_devices":           {`"perhaps"`},
	"hardening.protect_kernel":            {`"perhaps"`},
	"hardening.protect_proc":              {`"perhaps"`},
	"hardening.restrict_network":          {`"perhaps"`},
	"hardening.restrict_syscalls":         {`"perhaps"`},
	"hardening.memory_deny_write_execute": {`"perhaps"`},
	"hardening.capabilities":              {`[""]`, `"all"`, `["CAP_FOO"] systemd`, `["CAP_SYS_TIME"] systemd`, `["CAP_CHOWN"] launchd`, `["CAP_CHOWN"] scm`},
	"hardening.read_write_paths":          {`[""]`, `["here"]`, `"/srv"`, `["/srv/a\nb"] systemd`, `["/home/x"] systemd`},
	"hardening.supplementary_groups":      {`[""]`, `"g"`, `["a b"] systemd`, `["g"] launchd`, `["g"] scm`},
	"log.level":                           {`"loud"`, `3`},
	"log.format":                          {`"xml"`, `3`},
	"log.sink":                            {`"paper"`, `"file"`, `3`},
	"log.file":                            {`"here.log"`, `3`, `"/home/x.log" systemd`},
	"log.max_size_mb":                     {`-1`, `8`, `"many"`},
	"log.max_backups":                     {`-1`, `8`, `"many"`},
	"log.max_age_days":                    {`-1`, `8`, `"many"`},
	"supervise":                           {`"yes"`},
	"alarm.command":                       {`"/bin/true"`, `["mail"]`, `["/bin/true", "\u0000"]`},
	"alarm.timeout":                       {`30`, `"1ms"`, `"-1s"`},
	"alarm.events":                        {`"tampered"`, `["fire"]`},
	"alarm.every":                         {`5`, `"-1s"`},
	"alarm.webhook":                       {`7`, `"https://hooks.example/"`},
	"alarm.webhook_header":                {`"X: y"`, `7`},
	"alarm.webhook_secret_file":           {`"secret"`, `7`},
	"alarm.insecure":                      {`"yes"`},
	"alarm.disk_free":                     {`-1`, `"much"`},
	"alarm.disk_free_percent":             {`-1`, `100`, `"half"`},
	"alarm.disk_every":                    {`1`, `"1ms"`},
	"systemd.extra":                       {`"A=b"`, `["Nice"] systemd`, `["a b=c"] systemd`},
	"systemd.unit_extra":                  {`"A=b"`, `["Nice"] systemd`},
	"systemd.wanted_by":                   {`7`, `"nope" systemd`, `"a b.target" systemd`},
	"container.image":                     {`7`, `"a b" kubernetes`, `"a b" compose`},
	"container.storage":                   {`-1`, `"much"`},
	"systemd.version":                     {`-1`, `"new"`},
	"systemd.preserve_sockets":            {`"yes"`, `1`},
	"launchd.process_type":                {`7`},
	"launchd.session_types":               {`"Aqua"`},
	"launchd.session_create":              {`"yes"`},
	"launchd.extra":                       {`["a"]`},
	"windows.start":                       {`7`},
	"windows.password_file":               {`7`, `"C:\\secret" scm`},
	"windows.give_up":                     {`"explode"`},
	"windows.preshutdown_timeout":         {`7`},
	"windows.dependencies":                {`"x"`},
}

// A fault in an argument of several commands is reported once.
func TestIssue10_APlaceThatIsHiddenIsToldOnce(t *testing.T) {
	p := newPlace(t)
	p.cfg.RuntimeDir, p.cfg.StateDir, p.cfg.Scope = "", "", platform.ScopeSystem
	p.file("[service.systemd]\nwanted_by = 'nope'\n")
	p.cfg.RuntimeDir = "/tmp/feedd"
	for _, args := range []string{"check", "plan --program /usr/sbin/feedd"} {
		err := p.runOn(t.Context(), anywhere(p), append(strings.Fields(args), "--manager", "systemd")...)
		said := p.out.String()
		if args != "check" {
			said = err.Error()
		}
		if cli.ExitCode(err) != platform.ExitBadConfig || strings.Count(said, `"/tmp/feedd"`) != 1 || strings.Count(said, "wanted_by") != 1 {
			t.Errorf("%s: %v\n%s", args, err, said)
		}
	}
}

// warner is a manager that warns.
type warner struct{ *manager }

func (warner) Warnings(_ context.Context, u platform.Unit) []string {
	var all []string
	for _, name := range u.Requires {
		all = append(all, "requires: fake knows no "+name)
	}
	return append(all, "the moon: is full")
}

// check prints the warnings of install. A warning is no error.
func TestCheckWarnsAsInstallDoes(t *testing.T) {
	p := newPlace(t)
	p.file("[service]\nrequires = ['nosuch.service']\n")
	m := p.machine()
	m.Manager = func(string) (platform.Manager, error) { return warner{p.m}, nil }
	if err := p.runOn(t.Context(), m, "check"); err != nil || p.out.String() != p.cfg.File+":2: service.requires: warning: fake knows no nosuch.service\nwarning: the moon: is full\n" {
		t.Errorf("%v:\n%s", err, &p.out)
	}
	if err := p.runOn(t.Context(), m, "check", "--json"); err != nil {
		t.Error(err)
	}
	warnings, ok := p.json()["warnings"].([]any)
	if first := fmt.Sprint(warnings); !ok || len(warnings) != 2 || fmt.Sprint(p.json()["ok"]) != "true" || !strings.Contains(first, "severity:warning") || !strings.Contains(first, "line:2") || !strings.Contains(first, "key:service.requires") {
		t.Errorf("%s", &p.out)
	}
	p.file("[service]\nrequires = ['nosuch.service']\nuser = 7\n")
	if err := p.runOn(t.Context(), m, "check"); cli.ExitCode(err) != 78 || !strings.Contains(p.out.String(), ":3: service.user") {
		t.Errorf("%v:\n%s", err, &p.out)
	}
}

// An ordinary user may check a configuration even if the manager has no user services.
func TestIssue10_CheckOfAUserWhoseManagerHasNone(t *testing.T) {
	p := newPlace(t)
	p.file("[service]\n")
	for _, manager := range []string{"sysv", "openrc"} {
		if err := p.runOn(t.Context(), anywhere(p), "check", "--manager", manager, "--scope", "user"); err != nil {
			t.Errorf("%s: %v\n%s", manager, err, &p.out)
		}
	}
}

// inSight returns a configuration under which the service can see the files of the test.
func inSight(text string) string {
	const seen = "private_tmp = false\nprotect_home = false\n"
	switch {
	case strings.Contains(text, "\nprivate_tmp") || strings.Contains(text, "\nprotect_home") || strings.Contains(text, "/home/"):
		return text // refused for itself
	case strings.Contains(text, "[service.hardening]"):
		return text + seen
	}
	return text + "[service.hardening]\n" + seen
}

// check refuses what install would refuse for the given manager, with file, line and key.
// install does the same (issue 10).
func TestIssue10_SenselessValuesAreRefusedWithTheirPlace(t *testing.T) {
	for _, key := range service.Keys() {
		if len(badValues[key.Name]) == 0 {
			t.Errorf("%s: which values are senseless?", key.Name)
		}
		for _, bad := range badValues[key.Name] {
			value, manager := bad, "systemd"
			if i := strings.LastIndexByte(bad, ' '); i > 0 && slices.Contains(native.Managers(), bad[i+1:]) {
				value, manager = bad[:i], bad[i+1:]
			}
			t.Run(key.Name+"="+bad, func(t *testing.T) {
				p := newPlace(t)
				p.cfg.RuntimeDir, p.cfg.StateDir, p.cfg.Scope = "", "", platform.ScopeSystem
				table, last := "service", key.Name
				if i := strings.LastIndexByte(key.Name, '.'); i > 0 {
					table, last = table+"."+key.Name[:i], key.Name[i+1:]
				}
				p.file(inSight(fmt.Sprintf("# a comment\n[%s]\n%s = %s\n", table, last, value)))
				for _, args := range []string{"check", "plan --program /usr/sbin/feedd"} {
					if manager == "scm" {
						args = strings.Replace(args, "/usr/sbin/feedd", `C:\feedd\feedd.exe`, 1)
					}
					err := p.runOn(t.Context(), anywhere(p), append(strings.Fields(args), "--manager", manager)...)
					if code := cli.ExitCode(err); code != platform.ExitBadConfig {
						t.Fatalf("%s: exit code %d: %v\n%s", args, code, err, &p.out)
					}
					place := fmt.Sprintf("%s:3: service.%s", p.cfg.File, key.Name)
					said := p.out.String()
					if args != "check" { // in the same form
						said = err.Error()
					}
					if !strings.Contains(said, place) && !(key.Name == "env" && strings.Contains(said, place[:len(place)-1])) {
						t.Errorf("%s does not say where:\n%s\nwant %s", args, said, place)
					}
				}
			})
		}
	}
}

// check and doctor assumed that the program would be in /usr/local/bin.
func TestCheckLooksWhereTheProgramLies(t *testing.T) {
	p := newPlace(t)
	if !native.OnThisSystem("systemd") || !strings.HasPrefix(p.dir, "/tmp/") {
		t.Skip("nothing that a test makes here would be hidden from a service")
	}
	p.cfg.RuntimeDir, p.cfg.StateDir, p.cfg.Scope = "", "", platform.ScopeSystem
	image := filepath.Join(p.dir, "feedd")
	p.put(image, "the program")
	m := anywhere(p)
	m.Program, m.Executable = image, func() (string, error) { return image, nil }
	says := fmt.Sprintf("program path %q: service.hardening.private_tmp hides it from the service: install with --copy-to /usr/local/bin, or set that key to false\n", image)
	if err := p.runOn(t.Context(), m, "check", "--manager", "systemd"); cli.ExitCode(err) != platform.ExitBadConfig || p.out.String() != says {
		t.Errorf("check: %v\n%s\nwant %s", err, &p.out, says)
	}
	if err := p.runOn(t.Context(), m, "install", "--dry-run", "--manager", "systemd"); cli.ExitCode(err) != platform.ExitBadConfig || !strings.HasSuffix(err.Error()+"\n", says) {
		t.Errorf("install: %v\nwant %s", err, says)
	}
	if err := p.runOn(t.Context(), m, "doctor", "--manager", "systemd"); err != nil || !strings.Contains(p.out.String(), "install will refuse this: "+says) {
		t.Errorf("doctor: %v\n%s\nwant %s", err, &p.out, says)
	}
}
