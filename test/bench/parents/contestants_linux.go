package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A contestant is a parent of programs.
type contestant struct {
	name string
	// argv returns its command line for a program. dir is an empty directory of its own, and
	// the output of the program goes to log.
	argv func(dir, log string, program []string) ([]string, error)
	logs bool // it copies the program's output
	bare bool // it passes on no signals
}

func contestants(self, wrap string) []contestant {
	found := []contestant{{"nobody", func(_, _ string, program []string) ([]string, error) { return program, nil }, false, false}}
	for _, c := range []contestant{
		{"wrap", func(dir, log string, program []string) ([]string, error) {
			text := fmt.Sprintf("[service.log]\nfile = %q\nmax_size_mb = 100000\n[wrap]\ncommand = [%s]\n", log, quoted(program))
			err := os.WriteFile(dir+"/measured.toml", []byte(text), 0o600)
			return []string{wrap, "measured", "run", "--config", dir + "/measured.toml", "--runtime-dir", dir + "/run", "--state-dir", filepath.Dir(dir) + "/state"}, err // in the state that its last run has left
		}, true, false},
		{"a parent in Go", func(_, log string, program []string) ([]string, error) {
			return append([]string{self, "parent", log}, program...), nil
		}, true, true},
		{"cat", func(_, log string, program []string) ([]string, error) {
			return []string{"/bin/sh", "-c", shell(program) + " | cat >>" + log}, nil
		}, true, true},
		{"runsv", func(dir, log string, program []string) ([]string, error) {
			err := script(dir+"/run", "exec "+shell(program))
			if err == nil {
				err = script(dir+"/log/run", "exec svlogd "+filepath.Dir(log))
			}
			if err == nil { // one file of unlimited size, called current
				err = os.WriteFile(filepath.Dir(log)+"/config", []byte("s1000000000\nn2\n"), 0o600)
			}
			return []string{"runsv", dir}, err
		}, true, false},
		{"s6-supervise", func(dir, _ string, program []string) ([]string, error) {
			return []string{"s6-supervise", dir}, script(dir+"/run", "exec "+shell(program))
		}, false, false},
		{"tini", func(_, _ string, program []string) ([]string, error) {
			return append([]string{"tini", "-s", "--"}, program...), nil
		}, false, false},
		{"supervisord", func(dir, log string, program []string) ([]string, error) {
			text := fmt.Sprintf("[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%s/pid\n[program:measured]\ncommand=%s\nstdout_logfile=%s\nstdout_logfile_maxbytes=0\n",
				dir, shell(program), log)
			return []string{"supervisord", "-c", dir + "/supervisord.conf"}, os.WriteFile(dir+"/supervisord.conf", []byte(text), 0o600)
		}, true, false},
	} {
		if _, err := exec.LookPath(c.needs()); err != nil {
			fmt.Println(c.name + ": not in PATH, and not measured")
			continue
		}
		found = append(found, c)
	}
	return found
}

// needs returns the name of its program.
func (c contestant) needs() string {
	switch c.name {
	case "wrap", "a parent in Go":
		return "sh"
	}
	return c.name
}

func quoted(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(all, ", ")
}

// shell returns a command line of words that need no quotes.
func shell(words []string) string { return strings.Join(words, " ") }

func script(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755)
}
