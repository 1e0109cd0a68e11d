package launchd

import (
	"context"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// printed has what `launchctl print` says of a loaded service: its own lines, without nested
// blocks. It is nil if the service is not loaded.
type printed map[string]string

// parsePrint parses the lines "key = value" that are indented by exactly one tab. The first
// line with a key counts. It accepts any input, since launchctl(1) warns that the format may
// change at any time.
func parsePrint(out string) printed {
	p := printed{}
	for line := range strings.Lines(out) {
		line, own := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "\t")
		key, value, ok := strings.Cut(line, " = ")
		if !own || !ok { // deeper lines get keys that begin with a tab, which nobody uses
			continue
		}
		if _, known := p[key]; !known {
			p[key] = value
		}
	}
	return p
}

// number returns the number at the beginning of a value, or 0. launchd also writes "78:
// EX_CONFIG".
func (p printed) number(key string) int {
	digits, _, _ := strings.Cut(p[key], ":")
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || n < 0 { // a PID is never negative: kill(2) would take it for a process group
		return 0
	}
	return n
}

func (p printed) pid() int { return p.number("pid") }

// leaving reports whether the service is being stopped: "SIGTERMed", "SIGKILLed".
func (p printed) leaving() bool { return strings.HasPrefix(p["state"], "SIG") }

// exit returns how the last process ended, or nil if none has ended or launchd does not say.
func (p printed) exit() *platform.Exit {
	// "Killed: 9" replaces the code.
	if text, ok := p["last terminating signal"]; ok {
		name, number := text, 0
		if i := strings.LastIndex(text, ": "); i >= 0 {
			number, _ = strconv.Atoi(text[i+2:])
			name = text[:i]
		}
		return &platform.Exit{Code: -1, Signal: signalName(number, text), Reason: "signal: " + name}
	}
	text, ok := p["last exit code"]
	if !ok || text == "" || text[0] < '0' || text[0] > '9' { // "(never exited)"
		return nil
	}
	code := p.number("last exit code")
	return &platform.Exit{Clean: code == platform.ExitOK, Code: code, Reason: "exit code"}
}

// query finds out where id is loaded. A user's service may be in one of two domains.
func (m *Manager) query(ctx context.Context, id platform.ID) (p printed, domain string, err error) {
	for _, domain := range m.domains(id) {
		out, err := room.Ask(ctx, m.sys, "launchctl", "print", target(domain, id))
		switch {
		case err == nil:
			return parsePrint(out), domain, nil
		case !isCode(err, codeNoService, codeNoProcess, codeNoDomain, codeNotInDomain):
			return nil, domain, explain(err, target(domain, id), "")
		}
	}
	return nil, m.domains(id)[0], nil
}

// here returns the domain into which id would be loaded now.
func (m *Manager) here(ctx context.Context, id platform.ID) string {
	domains := m.domains(id)
	for _, domain := range domains[:len(domains)-1] {
		// Without any answer (the plan is for another machine), use the usual one.
		if _, err := room.Ask(ctx, m.sys, "launchctl", "print", domain); err == nil || code(err) < 0 {
			return domain
		}
	}
	return domains[len(domains)-1]
}

// disabled reports whether somebody has called `launchctl disable`, which outlives the
// service. macOS 13 and later print "disabled", earlier versions "true"
// (usnistgov/macos_security/issues/167).
func (m *Manager) disabled(ctx context.Context, domain string, id platform.ID) bool {
	out, err := room.Ask(ctx, m.sys, "launchctl", "print-disabled", domain)
	if err != nil {
		return false
	}
	for line := range strings.Lines(out) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if ok && key == strconv.Quote(label(id)) {
			return value == "disabled" || value == "true"
		}
	}
	return false
}

// signalName returns the name of a signal by Darwin's number, from <sys/signal.h>.
func signalName(n int, text string) string {
	names := [...]string{
		"", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGEMT", "SIGFPE", "SIGKILL", "SIGBUS",
		"SIGSEGV", "SIGSYS", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGURG", "SIGSTOP", "SIGTSTP", "SIGCONT", "SIGCHLD",
		"SIGTTIN", "SIGTTOU", "SIGIO", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGINFO", "SIGUSR1", "SIGUSR2",
	}
	if n > 0 && n < len(names) {
		return names[n]
	}
	return text
}
