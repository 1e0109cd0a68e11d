package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

func (a *app) logsCommand() *cobra.Command {
	var f platform.LogFilter
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the service's log",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			if t.badFile != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "without the configuration file: %v\n", t.badFile)
			}
			if err := t.ours(cmd.Context(), "logs"); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "not of a service of ours: %v\n", err)
			}
			f = understood(f, t.Now())
			if file := t.cfg.Log.File; file != "" {
				if narrowed := narrowing(f); narrowed != "" {
					return usage("logs %s: the log is the file %s, of which only the last lines can be shown: use grep", narrowed, file)
				}
				return tail(cmd.Context(), cmd.OutOrStdout(), file, f.Lines, f.Follow)
			}
			argv, err := t.logArgv(f)
			if err == nil {
				err = t.sensible(cmd.Context(), f)
			}
			if err != nil {
				return err
			}
			if hint := a.unless(cmd, t, "logs"); hint != "" {
				fmt.Fprintf(notes(cmd), "- it is not installed%s\n", hint)
			}
			if file := t.logFile(); file != "" {
				return tail(cmd.Context(), cmd.OutOrStdout(), file, f.Lines, f.Follow)
			}
			show := exec.CommandContext(cmd.Context(), argv[0], argv[1:]...)
			show.Stdout, show.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err = show.Run(); cmd.Context().Err() != nil {
				return nil //nolint:nilerr // the user ends it with ctrl-C
			}
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() > 0 {
				return &exitError{exit.ExitCode()} // the command has reported the reason
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&f.Follow, "follow", "f", false, "keep printing new lines until ctrl-C")
	cmd.Flags().IntVarP(&f.Lines, "lines", "n", 50, "the last `N` lines; -1: all")
	cmd.Flags().StringVar(&f.Since, "since", "", "lines since `TIME`: 1h (that long ago), or as the manager writes it, \"2026-01-02 15:04\" (systemd)")
	cmd.Flags().StringVarP(&f.Priority, "priority", "p", "", "lines of that syslog `PRIORITY` or a more severe one: error, warning, ... (systemd)")
	cmd.Flags().BoolVar(&f.JSON, "json", false, "as JSON, one object a line (systemd)")
	return cmd
}

// priorities has the priorities of syslog, the gravest first.
var priorities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// understood returns f in the words of the manager. It replaces common names of priorities by
// those of syslog, and a time span by its start.
func understood(f platform.LogFilter, now time.Time) platform.LogFilter {
	switch p := strings.ToLower(f.Priority); p {
	case "emergency", "panic":
		f.Priority = "emerg"
	case "critical", "fatal":
		f.Priority = "crit"
	case "error":
		f.Priority = "err"
	case "warn":
		f.Priority = "warning"
	case "information":
		f.Priority = "info"
	default:
		if slices.Contains(priorities[:], p) {
			f.Priority = p
		}
	}
	if ago, err := time.ParseDuration(f.Since); err == nil && ago > 0 {
		f.Since = fmt.Sprintf("@%d", now.Add(-ago).Unix())
	}
	return f
}

// narrowing returns the flags that restrict the output.
func narrowing(f platform.LogFilter) string {
	var flags []string
	for flag, is := range map[string]bool{"--since": f.Since != "", "--priority": f.Priority != "", "--json": f.JSON} {
		if is {
			flags = append(flags, flag)
		}
	}
	slices.Sort(flags)
	return strings.Join(flags, " ")
}

// logFile returns the log file, or an empty path if the log is not a file. The file is in a
// directory of the service's user, and the caller may be root. So we read only what is no
// link, no second name of a file and no device.
func (t *target) logFile() string {
	if file := t.cfg.Log.File; file != "" {
		return file
	}
	if m, ok := t.manager.(platform.LogFiler); ok {
		return m.LogFile(t.id)
	}
	return ""
}

// logArgv returns the manager's command that shows the log.
func (t *target) logArgv(f platform.LogFilter) ([]string, error) {
	if t.manager == nil {
		return nil, fmt.Errorf("log of %q: %w: without one, the log goes to the terminal of `run`, or to [service.log] file", t.id, t.noManager)
	}
	none := fmt.Errorf("log of %q: %s keeps none: set [service.log] file", t.id, t.manager.Name())
	if narrowed := narrowing(f); narrowed != "" {
		m, ok := t.manager.(platform.LogFilterer)
		if !ok {
			return nil, usage("logs %s: %s cannot do that", narrowed, t.manager.Name())
		}
		argv := m.FilteredLogs(t.id, f)
		if len(argv) == 0 {
			return nil, none
		}
		return argv, nil
	}
	argv := t.manager.Logs(t.id, f.Lines, f.Follow)
	if len(argv) == 0 && f.Follow && len(t.manager.Logs(t.id, f.Lines, false)) > 0 {
		return nil, fmt.Errorf("follow the log of %q: %s can only show existing lines: leave out --follow, or set [service.log] file", t.id, t.manager.Name())
	}
	if len(argv) == 0 {
		return nil, none
	}
	return argv, nil
}

// sensible refuses a time or priority that the manager's own command does not understand. It
// asks that command for an empty log, with the value and without it. If the command does not
// answer in time, the log is requested nevertheless.
func (t *target) sensible(ctx context.Context, f platform.LogFilter) error {
	m, ok := t.manager.(platform.LogFilterer)
	if !ok {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	allowed := map[string]string{
		"--since":    `a time that long ago (1h, 10m), or one that journalctl knows ("2026-01-02 15:04", "yesterday", "10 min ago")`,
		"--priority": strings.Join(priorities[:], ", ") + ", or 0 to 7",
	}
	nothing := func(of platform.LogFilter) error {
		argv := m.FilteredLogs(t.id, of)
		_, err := t.System.Run(limited, argv...)
		return err
	}
	for _, flag := range []struct {
		name, value string
		of          platform.LogFilter
	}{
		{"--since", f.Since, platform.LogFilter{Since: f.Since}},
		{"--priority", f.Priority, platform.LogFilter{Priority: f.Priority}},
	} {
		if flag.value == "" {
			continue
		}
		var failed *platform.CommandError
		if err := nothing(flag.of); errors.As(err, &failed) && failed.Code > 0 && nothing(platform.LogFilter{}) == nil {
			return usage("logs %s %q: %s: it takes %s", flag.name, flag.value, strings.TrimSpace(failed.Stderr), allowed[flag.name])
		}
	}
	return ctx.Err()
}

// tail writes the last n lines of a file. With follow, it then writes what is appended to the
// file. It also follows a rotation, which replaces or truncates the file.
func tail(ctx context.Context, w io.Writer, path string, n int, follow bool) error {
	f, err := files.OpenOneName(path) // so that we do not block its rotation
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := seekLastLines(f, n); err != nil {
		return err
	}
	for {
		if _, err := io.Copy(w, f); err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
		ours, err := f.Stat()
		if err != nil {
			return err
		}
		if at, err := f.Seek(0, io.SeekCurrent); err == nil && ours.Size() < at { // truncated, for example by copytruncate
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
		}
		if now, err := os.Stat(path); err == nil && !os.SameFile(ours, now) {
			if _, err := io.Copy(w, f); err != nil { // what was written in the meantime
				return err
			}
			if next, err := files.OpenOneName(path); err == nil {
				_ = f.Close()
				f = next
			}
		}
	}
}

// seekLastLines moves to the beginning of the n-th line from the end.
func seekLastLines(f *os.File, n int) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || n < 0 {
		_, err = f.Seek(0, io.SeekStart)
		return err
	}
	buf := make([]byte, 64<<10)
	missing := n
	if _, err := f.ReadAt(buf[:1], end-1); err == nil && buf[0] == '\n' {
		missing++ // it closes the last line, and begins none
	}
	if missing == 0 {
		return nil
	}
	for at := end; at > 0; {
		size := min(int64(len(buf)), at)
		at -= size
		if _, err := f.ReadAt(buf[:size], at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := size - 1; i >= 0; {
			i = int64(bytes.LastIndexByte(buf[:i+1], '\n'))
			if i < 0 {
				break
			}
			if missing--; missing == 0 {
				_, err := f.Seek(at+i+1, io.SeekStart)
				return err
			}
			i--
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}
