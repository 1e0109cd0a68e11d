package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
)

// hinted returns the part of a text of service.Run that names the switch which denied
// something.
func hinted(text string) string {
	const table = "[service.hardening]"
	before, after, ok := strings.Cut(text, table)
	if !ok {
		return ""
	}
	before = before[strings.LastIndex(before, "(")+1:]
	after, _, _ = strings.Cut(after, ")")
	return strings.TrimSpace(before + table + after)
}

// denials returns what the hardening has denied the service, as far as the service says so: in
// how it last ended, in its last reload, and in its log since the last start.
func (f Facts) denials() []string {
	var all []string
	add := func(text, hint string) {
		if hint == "" || slices.ContainsFunc(all, func(other string) bool { return strings.Contains(other, hint) }) {
			return
		}
		all = append(all, oneSentence(text))
	}
	for _, text := range f.ownWords() {
		add(text, hinted(text))
	}
	for _, line := range f.Log.Since {
		if strings.Contains(line, lastRunWords) {
			continue
		}
		if add(line, hinted(line)); f.Manager.Name == "systemd" {
			add(line, unwritable(line))
		}
	}
	return all
}

var readOnlyPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(/[^:\s"']+)["']?: read-only file system`)
})

// unwritable returns the switch that explains a log line about a path on a read-only file
// system. The path is read-only only for this service.
func unwritable(line string) string {
	m := readOnlyPath().FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return "read_write_paths " + m[1]
}

// lastRunWords is how a run begins the line about the end of the previous run. What was denied
// then may be allowed by now.
const lastRunWords = "the last run did not end cleanly"

// oneSentence returns text as one line of bounded length.
func oneSentence(text string) string {
	const most = 500
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func hardeningDenial(f Facts) []Finding {
	all := slices.DeleteFunc(f.denials(), aboutPorts)
	if len(all) == 0 {
		return nil
	}
	text := all[len(all)-1]
	if hinted(text) == "" {
		text += " (protect_system lets it write only to its own directories: [service.hardening] read_write_paths)"
	}
	return only(found(f.gravity(), "the hardening of the service denied it an operation: %s", text).details(all[:len(all)-1]...).see(f.Log.Command))
}

// refusedPort matches the error of the standard library for a port that it cannot listen at.
// Windows has its own words for a port that is in use.
var refusedPort = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`listen (?:tcp|udp)[46]? \S*?:([0-9]+): bind: (permission denied|address already in use|Only one usage of each socket address)`)
})

// port returns the port that text says could not be had, and reports whether another process
// has it. n is 0 if text is about something else.
func port(text string) (n int, taken bool) {
	m := refusedPort().FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, _ = strconv.Atoi(m[1]) //nolint:errcheck // the pattern has digits; with too many of them n is no port
	return n, m[2] != "permission denied"
}

// ownWords returns how the last run ended, if the service is down or starting, and why a
// reload was refused, if it runs.
func (f Facts) ownWords() (all []string) {
	if f.Life.Down() || f.Life.Phase == platform.PhaseStarting {
		all = append(all, f.Life.Ending)
	}
	if f.Life.Running {
		all = append(all, f.Life.Reloads.LastError)
	}
	return all
}

func portPrivileged(f Facts) []Finding {
	const privileged = 1024
	for _, d := range f.denials() {
		if aboutPorts(d) {
			return only(found(f.gravity(), "it may not listen on a port below 1024: %s", d))
		}
	}
	for _, text := range f.ownWords() {
		if n, taken := port(text); n > 0 && n < privileged && !taken {
			return only(found(f.gravity(), "it may not listen on a port below 1024, which needs root or CAP_NET_BIND_SERVICE: %s", oneSentence(text)))
		}
	}
	return nil
}

// portInUse looks only at what kept the service from working. A service that searches for a
// free port is refused many times.
func portInUse(f Facts) []Finding {
	for _, text := range f.ownWords() {
		if n, taken := port(text); taken {
			return only(found(f.gravity(), "another process uses port %d, on which the service is to listen: %s", n, oneSentence(text)).see(f.whoListens(n)))
		}
	}
	return nil
}

// whoListens returns the command that names the process at a port.
func (f Facts) whoListens(port int) string {
	switch f.Manager.Name {
	case "scm":
		return "netstat -ano"
	case "launchd":
		return fmt.Sprintf("lsof -nP -i :%d", port)
	}
	return fmt.Sprintf("ss -lnp sport = :%d", port)
}

// gravity is the severity of something that may keep the service from working: a Warning while
// the service is ready, and otherwise an Error.
func (f Facts) gravity() Severity {
	if f.Life.Running && (f.Life.Phase == platform.PhaseReady || f.Life.Phase == platform.PhaseStandby) {
		return Warning
	}
	return Error
}

func aboutPorts(denial string) bool { return strings.Contains(denial, "CAP_NET_BIND_SERVICE") }
