package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A senseless value is a usage error that names the sensible ones.
func TestIssue10_6_UsageErrors(t *testing.T) {
	for args, says := range map[string]string{
		"install extra":           `unknown command "extra" for "feedd install"`,
		"plan --manager bogus":    `--manager "bogus" is not one of auto, none, ` + strings.Join(native.Managers(), ", "),
		"status --manager bogus":  "systemd, sysv",
		"logs --bogus":            "unknown flag: --bogus",
		"logs --since yesterday":  "logs --since: fake cannot do that",
		"logs -p err --json":      "logs --json --priority: fake cannot do that",
		"start --scope elsewhere": "not one of auto, system, user",
	} {
		p := newPlace(t)
		p.wants(args, platform.ExitUsage, says)
	}
	p := newPlace(t)
	p.cfg.Log.File = filepath.Join(p.dir, "feedd.log")
	p.wants("logs --since yesterday", platform.ExitUsage, "feedd.log, of which only the last lines can be shown")
}

// Some managers can filter their log; the others say that they cannot.
func TestIssue10_6_LogsByManager(t *testing.T) {
	for _, name := range native.Managers() {
		m, err := native.Manager(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, can := m.(platform.LogFilterer); can != (name == "systemd") {
			t.Errorf("%s: %t", name, can)
		}
	}
}

// An error is printed once, in one form, whoever prints it.
func TestIssue10_6_ErrorsAreToldOnce(t *testing.T) {
	for _, args := range []string{"plan --program relative", "install --program relative", "start", "restart"} {
		p := newPlace(t)
		p.m.acts = errors.New("no way")
		_, err := p.run(strings.Fields(args)...)
		text := fmt.Sprint(err)
		verb, _, _ := strings.Cut(args, " ")
		if err == nil || strings.Count(p.errs.String(), "Error:") != 1 || strings.Count(p.errs.String(), text) != 1 || strings.Count(text, verb+` "feedd"`) > 1 {
			t.Errorf("%s: %v\n%s", args, err, p.errs.String())
		}
	}
}

// install --json prints JSON, and nothing else, on standard output.
func TestIssue10_6_InstallPrintsJSON(t *testing.T) {
	p := newPlace(t)
	if code, err := p.run("install", "--json", "--start", "--program", "/usr/sbin/feedd"); code != 0 {
		t.Fatal(err)
	}
	if all := p.json(); all["manager"] != "fake" {
		t.Errorf("got %v", all)
	}
}

// The failure of a step that may fail is not reported.
func TestIssue10_6_WhatMayFailIsNotTold(t *testing.T) {
	p := newPlace(t)
	p.m.steps = []platform.Step{{Kind: "none of ours", Describe: "nice to have", MayFail: true}}
	if code, err := p.run("install", "--program", "/usr/sbin/feedd"); code != 0 || strings.Contains(p.errs.String(), "fail") {
		t.Errorf("%v\n%s", err, p.errs.String())
	}
}

// uninstall says which data stays, and where.
func TestIssue10_6_UninstallSaysWhatItLeaves(t *testing.T) {
	p := newPlace(t)
	if code, err := p.run("uninstall"); code != 0 || strings.Contains(p.out.String(), "stays") {
		t.Errorf("%v: nothing is left:\n%s", err, p.out.String())
	}
	p.put(p.cfg.StateDir+"/feeds.db", "data")
	if _, err := p.run("uninstall"); err != nil || !strings.Contains(p.out.String(), "What it has written stays: "+p.cfg.StateDir+" (uninstall --purge removes") {
		t.Errorf("%v\n%s", err, p.out.String())
	}
	if _, err := os.Stat(p.cfg.StateDir + "/feeds.db"); err != nil {
		t.Error(err)
	}
}

// A success is confirmed in one line on a terminal, and is silent otherwise.
func TestIssue10_6_SuccessInOneLine(t *testing.T) {
	p := newPlace(t)
	p.m.on = func(string) { p.runs(feedd, "fake") }
	p.wants("start", 0, "", "start")
	if p.out.Len()+p.errs.Len() > 0 {
		t.Errorf("to no terminal it says %q%q", p.out.String(), p.errs.String())
	}
	cfg, err := p.cfg.Load()
	if err != nil {
		t.Fatal(err)
	}
	line := cli.ReadyLine(t.Context(), p.machine(), cfg, p.m, noon.Add(-400e6))
	if want := "feedd is ready after 0.4 s, pid 70; log: "; !strings.HasPrefix(line, want) || strings.Contains(line, "\n") {
		t.Errorf("got %q", line)
	}
}
