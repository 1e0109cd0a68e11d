package launchd

import (
	"context"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// printed is what `launchctl print` says of a loaded service: its own lines, not
// those of the blocks in it. nil: it is not loaded.
type printed map[string]string

// parsePrint takes the lines "key = value" that are indented by exactly one tab.
// The first of a name counts. It takes whatever it gets: launchctl(1) warns that
// the format may change at any time.
func parsePrint(out string) printed {
	p := printed{}
	for line := range strings.Lines(out) {
		line, own := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "\t")
		key, value, ok := strings.Cut(line, " = ")
		if !own || !ok { // deeper lines get names that begin with a tab, and nobody asks for these
			continue
		}
		if _, known := p[key]; !known {
			p[key] = value
		}
	}
	return p
}

// number is the number that a value begins with, 0 if there is none: launchd
// writes "78: EX_CONFIG", too.
func (p printed) number(key string) int {
	digits, _, _ := strings.Cut(p[key], ":")
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || n < 0 { // no pid is negative: kill(2) would take it for a group
		return 0
	}
	return n
}

func (p printed) pid() int { return p.number("pid") }

// leaving reports whether it is being stopped: "SIGTERMed", "SIGKILLed".
func (p printed) leaving() bool { return strings.HasPrefix(p["state"], "SIG") }

// exit is how its last process ended; nil if none has, or launchd does not say.
func (p printed) exit() *platform.Exit {
	// "Killed: 9" stands in place of the code, not beside it.
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

// query finds where id is loaded. For a user's service that may be one of two
// domains.
func (m *Manager) query(ctx context.Context, id platform.ID) (p printed, domain string, err error) {
	for _, domain := range m.domains(id) {
		out, err := m.sys.Run(ctx, "launchctl", "print", target(domain, id))
		switch {
		case err == nil:
			return parsePrint(out), domain, nil
		case !isCode(err, codeNoService, codeNoProcess, codeNoDomain, codeNotInDomain):
			return nil, domain, explain(err, target(domain, id), "")
		}
	}
	return nil, m.domains(id)[0], nil
}

// here is the domain that id would be loaded in now.
func (m *Manager) here(ctx context.Context, id platform.ID) string {
	domains := m.domains(id)
	for _, domain := range domains[:len(domains)-1] {
		// Without an answer at all (a plan for another machine) it is the usual one.
		if _, err := m.sys.Run(ctx, "launchctl", "print", domain); err == nil || code(err) < 0 {
			return domain
		}
	}
	return domains[len(domains)-1]
}

// disabled reports whether somebody said `launchctl disable`, which outlives the
// service. macOS 13 and later print "disabled", those before it "true"
// (usnistgov/macos_security/issues/167).
func (m *Manager) disabled(ctx context.Context, domain string, id platform.ID) bool {
	out, err := m.sys.Run(ctx, "launchctl", "print-disabled", domain)
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

// signalName names a signal by Darwin's number, <sys/signal.h>.
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
