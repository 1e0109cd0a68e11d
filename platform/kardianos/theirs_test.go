package kardianos_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// A registration belongs to the program at the beginning of its command line, as Windows
// parses it and compares file names.
func TestNamesARegistration(t *testing.T) {
	for name, tt := range map[string]struct {
		line, program string
		want          bool
	}{
		"quoted":                 {`"C:\a b\feed.exe" C:\feed.json`, `C:\a b\feed.exe`, true},
		"alone":                  {`C:\feed.exe`, `C:\feed.exe`, true},
		"with arguments":         {`C:\feed.exe -x "a b"`, `C:\feed.exe`, true},
		"in other letters":       {`"c:/A B/FEED.EXE"`, `C:\a b\feed.exe`, true},
		"beginning":              {`C:\feed.exe2 -x`, `C:\feed.exe`, false},
		"argument":               {`C:\nssm.exe C:\feed.exe`, `C:\feed.exe`, false},
		"not quoted, with blank": {`C:\a b\feed.exe`, `C:\a b\feed.exe`, false}, // Windows may start C:\a.exe
		"nothing":                {` `, `C:\feed.exe`, false},
	} {
		if got := kardianos.Names(&platform.Definition{Path: "the service", Command: tt.line}, tt.program); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A definition of the library belongs to the program that it starts. A path that contains the
// program's, or that is only mentioned, does not count.
func TestStarts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the definitions are those of Unix, with its paths and links")
	}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "agent-1.2"), filepath.Join(dir, "agent")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	unit := func(lines string) string { return "[Unit]\nDescription=x\n[Service]\n" + lines + "\n" }
	plist := func(program string) string {
		return `<?xml version="1.0"?><!DOCTYPE plist><plist version="1.0"><dict><key>Label</key><string>feed</string>` +
			`<key>ProgramArguments</key><array><string>` + program + `</string><string>/opt/a</string></array></dict></plist>`
	}
	for name, tt := range map[string]struct {
		file, content, program string
		want                   bool
	}{
		"unit":                      {"feed.service", unit(`ExecStart=/opt/a "x"`), "/opt/a", true},
		"unit, blank":               {"feed.service", unit(`ExecStart=/opt/a\x20b/agent "x"`), "/opt/a b/agent", true},
		"unit, beginning":           {"feed.service", unit(`ExecStart=/opt/ab "x"`), "/opt/a", false},
		"unit, blank, beginning":    {"feed.service", unit(`ExecStart=/opt/a\x20b/agent "x"`), "/opt/a", false},
		"unit, end":                 {"feed.service", unit(`ExecStart=/srv/opt/a`), "/opt/a", false},
		"unit, argument":            {"feed.service", unit(`ExecStart=/usr/bin/watch /opt/a`), "/opt/a", false},
		"unit, comment":             {"feed.service", unit("# once /opt/a\nExecStart=/usr/bin/other"), "/opt/a", false},
		"unit, before":              {"feed.service", unit("ExecStartPre=/opt/a\nExecStart=/usr/bin/other"), "/opt/a", false},
		"unit, link":                {"feed.service", unit("ExecStart=" + link), file, true},
		"plist":                     {"feed.plist", plist("/opt/a"), "/opt/a", true},
		"plist, beginning":          {"feed.plist", plist("/opt/ab"), "/opt/a", false},
		"script":                    {"feed", "#!/bin/sh\ncmd=\"/opt/a \"x\"\"\n", "/opt/a", true},
		"script, blank":             {"feed", "#!/bin/sh\ncmd=\"/opt/a b/agent \"x\"\"\n", "/opt/a b/agent", true},
		"script, blank, beginning":  {"feed", "#!/bin/sh\ncmd=\"/opt/a b/agentx\"\n", "/opt/a b/agent", false},
		"script, beginning":         {"feed", "#!/bin/sh\n# processname: /opt/a\ncmd=\"/opt/ab \"x\"\"\n", "/opt/a", false},
		"script, argument":          {"feed", "#!/bin/sh\ncmd=\"/usr/bin/watch /opt/a\"\n", "/opt/a", false},
		"OpenRC":                    {"feed", "#!/sbin/openrc-run\ncommand=/opt/a\ncommand_args=\"x\"\n", "/opt/a", true},
		"OpenRC, blank":             {"feed", "#!/sbin/openrc-run\ncommand=/opt/a\\x20b/agent\n", "/opt/a b/agent", true},
		"OpenRC, beginning":         {"feed", "#!/sbin/openrc-run\ncommand=/opt/ab\n", "/opt/a", false},
		"custom script":             {"feed", "#!/bin/sh\ncase $1 in\nstart) /opt/a \"x\" & ;;\nesac\n", "/opt/a", true},
		"custom script, beginning":  {"feed", "#!/bin/sh\ncase $1 in\nstart) /opt/ab & ;;\nesac\n", "/opt/a", false},
		"custom script, in comment": {"feed", "#!/bin/sh\n# was /opt/a\ncase $1 in\nstart) /opt/c & ;;\nesac\n", "/opt/a", false},
		"nothing":                   {"feed", "hello /opt/a", "/opt/a", false},
	} {
		if got := kardianos.Starts(tt.file, tt.content, tt.program); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
