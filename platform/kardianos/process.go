package kardianos

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// arguments returns the arguments of a process on Linux.
func arguments(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(text) == 0 { // it has ended, and may not have been reaped yet
		return nil
	}
	var all []string
	for word := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		all = append(all, string(word))
	}
	return all
}

// process returns the process of the service that the init has started. pid is 0 if the init
// says only that it runs.
func (m *external) process(ctx context.Context, id platform.ID, n *note) (pid int, running bool) {
	switch m.Name() {
	case "rcs": // its own status trusts the number alone
		pid := m.pidIn(forService(m.PIDFile, id))
		running = pid != 0 && serves(m.arguments(pid), n.Task.Exec)
		if !running {
			pid = 0
		}
		return pid, running
	case "procd":
		if pid := m.pidIn(forService(m.PIDFile, id)); pid != 0 && serves(m.arguments(pid), n.Task.Exec) {
			return pid, true
		}
	case "freebsd": // the number is that of daemon(8)
		if parent := m.pidIn(forService(m.PIDFile, id)); parent != 0 {
			out, err := room.Ask(ctx, m.sys, "pgrep", "-P", strconv.Itoa(parent))
			pid = firstNumber(out, err)
		}
	case "upstart": // "feedd start/running, process 12"
		out, err := room.Ask(ctx, m.sys, "initctl", "status", id.String())
		_, out, _ = strings.Cut(out, "start/running, process ")
		pid = firstNumber(out, err)
	case "smf":
		out, err := room.Ask(ctx, m.sys, "svcs", "-H", "-p", "application/"+id.String())
		pid = ofProgram(out, err, n.Task.Exec[0])
	case "src": // "feedd  GROUP  12  active"
		out, err := room.Ask(ctx, m.sys, "lssrc", "-s", id.String())
		if fields := strings.Fields(out); err == nil && len(fields) > 1 && fields[len(fields)-1] == "active" {
			pid, _ = strconv.Atoi(fields[len(fields)-2])
		}
	}
	if pid != 0 {
		return pid, true
	}
	s, err := m.service(n.Task)
	if err != nil {
		return 0, false
	}
	said := make(chan service.Status, 1)
	err = aside(ctx, func() error {
		status, err := s.Status()
		said <- status
		return err
	})
	return 0, err == nil && <-said == service.StatusRunning
}

// serves reports whether a process with these arguments is the service that exec starts,
// perhaps with other flags: it has the same command for the same instance. The path of the
// program may differ, for example during a trial.
func serves(arguments, exec []string) bool {
	if len(arguments) == 0 {
		return false
	}
	return slices.Equal(command(arguments), command(exec)) && instance(arguments) == instance(exec)
}

// command returns the words after the program, up to the first flag.
func command(argv []string) []string {
	for i, word := range argv {
		if strings.HasPrefix(word, "-") {
			return argv[1:i]
		}
	}
	return argv[1:]
}

func instance(argv []string) string {
	if i := slices.Index(argv, "--instance"); i >= 0 && i+1 < len(argv) {
		return argv[i+1]
	}
	return ""
}

// firstNumber returns the first word of a command's output as a PID, or 0 if it is not one.
func firstNumber(out string, err error) int {
	fields := strings.Fields(out)
	if err != nil || len(fields) == 0 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[0])
	return pid
}

// ofProgram returns the process with the program's name from the output of `svcs -p`.
func ofProgram(out string, err error, program string) int {
	if err != nil {
		return 0
	}
	base := program[strings.LastIndexByte(program, '/')+1:]
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) == 3 && strings.HasPrefix(base, fields[2]) { // the name is cut off after 15 characters
			if pid, err := strconv.Atoi(fields[1]); err == nil {
				return pid
			}
		}
	}
	return 0
}

// pidIn returns the number in a PID file, or 0 if there is none.
func (m *external) pidIn(path string) int {
	content, err := m.sys.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid < 2 {
		return 0
	}
	return pid
}

// Logs returns the command that shows what the service has printed, if the init keeps that.
func (m *external) Logs(id platform.ID, lines int, follow bool) []string {
	count := "+1"
	if lines >= 0 {
		count = strconv.Itoa(lines)
	}
	switch {
	case m.Name() == "procd":
		argv := []string{"logread", "-e", id.String()}
		if lines >= 0 {
			argv = append(argv, "-l", count)
		}
		if follow {
			argv = append(argv, "-f")
		}
		return argv
	case len(m.Log) == 0:
		return nil
	}
	argv := []string{"tail", "-n", count}
	if follow {
		argv = append(argv, "-F")
	}
	for _, file := range m.Log {
		argv = append(argv, forService(file, id))
	}
	return argv
}
