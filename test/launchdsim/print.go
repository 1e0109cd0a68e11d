//go:build linux

package launchdsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// print answers in the format that launchd of macOS 12 to 26 was seen to print, shortened.
func (d *Double) print(target string) Answer {
	if d.exists(target) {
		return Answer{Stdout: target + " = {\n\ttype = " + target + "\n}\n"}
	}
	domain, label, _ := cut(target)
	if !d.exists(domain) {
		return refuse("Could not find domain for "+target+": print", codeNoDomain)
	}
	j := d.jobs[target]
	if j == nil {
		return refuse(fmt.Sprintf("Bad request.\nCould not find service %q in domain for %s: print", label, domain), codeNoService)
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "\t"+format+"\n", args...) }
	active, kind := 0, "LaunchDaemon"
	if j.cmd != nil {
		active = 1
	}
	if domain != "system" {
		kind = "LaunchAgent"
	}
	fmt.Fprintf(&b, "%s = {\n", target)
	line("active count = %d", active)
	line("path = %s", j.def.path)
	line("type = %s", kind)
	line("state = %s", j.state())
	b.WriteString("\n")
	line("program = %s", j.def.program())
	line("arguments = {")
	for _, arg := range j.def.ProgramArguments {
		line("\t%s", arg)
	}
	line("}")
	b.WriteString("\n")
	line("stdout path = %s", j.def.StandardOutPath)
	line("stderr path = %s", j.def.StandardErrorPath)
	line("environment = {")
	for _, name := range slices.Sorted(maps.Keys(j.def.EnvironmentVariables)) {
		line("\t%s => %s", name, j.def.EnvironmentVariables[name])
	}
	line("\tXPC_SERVICE_NAME => %s", j.def.Label)
	line("}")
	b.WriteString("\n")
	line("domain = %s", domain)
	line("minimum runtime = %d", int(j.def.throttle().Seconds()))
	line("exit timeout = %d", int(j.def.exitTimeOut().Seconds()))
	line("runs = %d", j.runs)
	if j.cmd != nil {
		line("pid = %d", j.cmd.Process.Pid)
	}
	switch e := j.ended; {
	case e == nil:
		line("last exit code = (never exited)")
	case e.signal != 0:
		line("last terminating signal = %s: %d", signalWord(int(e.signal)), int(e.signal))
	case e.code == 78:
		line("last exit code = 78: EX_CONFIG")
	default:
		line("last exit code = %d", e.code)
	}
	if j.pended {
		line("pended nondemand spawn = speculative")
	}
	if j.failed {
		line("job state = spawn failed")
	}
	b.WriteString("\n")
	line("endpoints = {")
	line("\t\"com.example.port\" = {")
	line("\t\tstate = active") // a nested block, to mislead parsers that do not count tabs
	line("\t\tpid = 1")
	line("\t}")
	line("}")
	b.WriteString("}\n")
	return Answer{Stdout: b.String()}
}

func (j *job) state() string {
	switch {
	case j.leaving != "":
		return j.leaving
	case j.cmd != nil:
		return "running"
	case j.timer != nil:
		return "spawn scheduled"
	}
	return "not running"
}

// signalWord is strsignal(3) of Darwin.
func signalWord(n int) string {
	words := map[int]string{1: "Hangup", 2: "Interrupt", 3: "Quit", 6: "Abort trap", 9: "Killed", 11: "Segmentation fault", 15: "Terminated"}
	if w, ok := words[n]; ok {
		return w
	}
	return "Unknown signal"
}
