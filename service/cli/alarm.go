package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

func (a *app) alarmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alarm",
		Short: "Test alarms",
		Args:  a.knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.alarmTestCommand())
	return cmd
}

func (a *app) alarmTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test alarm and show whether it arrived",
		Long: "Send a test alarm to the command and the web hook of [service.alarm], and show whether it arrived. A running service sends it itself, as its own user " +
			"and with the configuration in force. Otherwise this command sends it, but never as root for a service of another user. " +
			"Exit code: 0 if it arrived everywhere, 1 otherwise.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.target(cmd)
			if err != nil {
				return err
			}
			var results []alarm.Result
			var by string
			err = a.whileWaiting(cmd, func() string { return "sending the test" }, func() (err error) {
				results, by, err = a.testAlarm(cmd.Context(), t)
				return err
			})
			if err != nil {
				return err
			}
			return showResults(cmd.OutOrStdout(), results, by, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

// These say who has sent a test alarm.
const (
	bySender  = "the running service"
	byCommand = "this command"
)

func (a *app) testAlarm(ctx context.Context, t *target) (results []alarm.Result, by string, err error) {
	h, err := t.probe(ctx, t.lock())
	runs := err == nil
	switch {
	case err != nil && !errors.Is(err, singleton.ErrFree):
		return nil, "", err
	case runs && t.tellsNobody(h) && t.cfg.Alarm.Enabled():
		return nil, "", errors.New("the running service has no alarms configured: it was started without [service.alarm]; `reload` applies it")
	case runs && !t.tellsNobody(h): // its configuration may differ from the file
		waiting, cancel := context.WithTimeoutCause(ctx, a.limit(2*t.cfg.Alarm.Timeout+platform.StopMargin), platform.ErrTimeout)
		defer cancel()
		results, err = leavable(ctx, func() ([]alarm.Result, error) { return alarm.Ask(waiting, t.dirs.AlarmsFile(t.id.String())) })
		if errors.Is(err, alarm.ErrUnanswered) {
			err = fmt.Errorf("%w: is it busy or stopped? `status` and `logs` show it", err)
		}
		return results, bySender, err
	case !t.cfg.Alarm.Enabled():
		return nil, "", service.BadConfig(t.cfg.ErrorAt("service.alarm", errors.New("no alarms are configured: set command or webhook")))
	case a.asAnother(t):
		return nil, "", fmt.Errorf("%w: %q is to run as user %q, and this process does not: start the service, and it sends the test itself", platform.ErrPermission, t.id, t.cfg.User)
	}
	host, _ := os.Hostname() // shown to people
	results = alarm.Try(ctx, alarm.Options{
		Config: t.cfg.Alarm, Poster: t.cfg.AlarmWebhook, Service: t.id.String(), Host: host, Version: t.cfg.Version,
		Log: slog.New(slog.DiscardHandler),
	})
	return results, byCommand, ctx.Err()
}

// tellsNobody reports whether the running service has no alarms configured. It is false if the
// state file cannot be read.
func (t *target) tellsNobody(h singleton.Holder) bool {
	s, err := t.state(h)
	return err == nil && s.Settings["alarm.command"] == "" && s.Settings["alarm.webhook"] == ""
}

// asAnother reports whether this process has more rights than the service's user.
func (a *app) asAnother(t *target) bool {
	ordinary := t.cfg.User != "" && t.cfg.User != "root" && t.cfg.User != "0"
	uid := os.Geteuid() // -1 on Windows
	return ordinary && t.id.Scope != platform.ScopeUser && (uid == 0 || uid < 0 && isPrivileged())
}

func showResults(out io.Writer, results []alarm.Result, by string, asJSON bool) error {
	failed := 0
	for _, r := range results {
		if r.Error != "" {
			failed++
		}
	}
	if asJSON {
		err := writeJSON(out, struct {
			OK      bool           `json:"ok"`
			By      string         `json:"by"`
			Results []alarm.Result `json:"results"`
		}{failed == 0, by, append([]alarm.Result{}, results...)})
		if err != nil {
			return err
		}
	} else {
		for _, r := range results {
			text := color.GreenString("taken")
			if r.Error != "" {
				text = color.RedString("failed") + ": " + logsink.Printable(r.Error)
			}
			fmt.Fprintf(out, "%s (sent by %s): %s\n", r.Way, by, text)
		}
	}
	if failed > 0 {
		return &exitError{platform.ExitFailed}
	}
	return nil
}

// askAlarms reads which alarms nobody has taken yet.
func (r *report) askAlarms(ctx context.Context, t *target) {
	report, err := leavable(ctx, func() (*alarm.Report, error) { return alarm.Read(t.dirs.AlarmsFile(t.id.String())) })
	if err != nil {
		r.note(err.Error())
	}
	if report == nil {
		return
	}
	r.Alarms = report
	for _, w := range report.Failing() {
		r.note(fmt.Sprintf("alarms do not arrive by the %s, %d failures in a row: %s (`alarm test` tries it)", w.Name, w.InARow, w.Error))
	}
}

// alarmsText describes the alarms for people. It is empty if there is nothing to say.
func alarmsText(r report) string {
	if r.Alarms == nil {
		return ""
	}
	var all []string
	if n := r.Alarms.Pending; n > 0 {
		all = append(all, fmt.Sprintf("%d not delivered yet, the oldest from %s", n, r.when(r.Alarms.Oldest)))
	}
	if n := r.Alarms.Dropped; n > 0 {
		all = append(all, fmt.Sprintf("%d lost", n))
	}
	var last time.Time
	for _, w := range r.Alarms.Ways {
		if w.LastSuccess.After(last) {
			last = w.LastSuccess
		}
	}
	if !last.IsZero() {
		all = append(all, "the last delivered "+r.when(last))
	}
	return strings.Join(all, "; ")
}

// alarmWarnings returns the reasons why alarms will not get out, each with its key: for
// example a command that does not exist. They do not keep the service from running.
func (t *target) alarmWarnings() []string {
	command := t.cfg.Alarm.Command
	if len(command) == 0 {
		return nil
	}
	if _, err := exec.LookPath(command[0]); err == nil {
		return nil
	}
	why := "cannot be executed"
	switch _, err := os.Stat(command[0]); {
	case errors.Is(err, fs.ErrPermission):
		return nil // the service's user may be able to see it
	case err != nil:
		why = "is not there"
	}
	return []string{fmt.Sprintf("alarm.command: %s %s: no alarm is delivered this way", command[0], why)}
}
