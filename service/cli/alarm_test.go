package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// A pager is a web hook that the test fakes.
type pager struct {
	mu   sync.Mutex
	got  []string
	fail error
}

func (p *pager) Post(_ context.Context, _ alarm.Config, body []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail == nil {
		p.got = append(p.got, string(body))
	}
	return p.fail
}

const hooked = "[service]\n[service.alarm]\nwebhook = 'https://hooks.example/T0SECRET'\n"

// If the service is down, the command itself sends the test alarm.
func TestAlarmTestOfAServiceThatIsDown(t *testing.T) {
	p := newPlace(t)
	hook := &pager{}
	p.cfg.AlarmWebhook = hook
	p.file("[service]\n")
	p.wants("alarm test", platform.ExitBadConfig, "")
	p.file(hooked)
	p.wants("alarm test", 0, "webhook (sent by this command): taken")
	if len(hook.got) != 1 || !strings.Contains(hook.got[0], `"kind":"test"`) || !strings.Contains(hook.got[0], `"service":"feedd"`) {
		t.Errorf("%q", hook.got)
	}
	hook.fail = errors.New("no \x1b[31mroute")
	p.wants("alarm test", 1, "webhook (sent by this command): failed: no ")
	if strings.Contains(p.out.String(), "\x1b[31mroute") || strings.Contains(p.out.String(), "T0SECRET") {
		t.Errorf("%q", &p.out)
	}
	p.wants("alarm test --json", 1, `"ok": false`)
	if all := p.json(); all["by"] != "this command" {
		t.Errorf("%v", all)
	}
	p.wants("alarm", 0, "test")
	p.wants("alarm nonsense", platform.ExitUsage, "")
}

// The command never sends it with more rights than the service's user has.
func TestAlarmTestIsNotSentAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	p := newPlace(t)
	hook := &pager{}
	p.cfg.AlarmWebhook, p.cfg.Scope = hook, platform.ScopeSystem
	p.file(hooked + "[service.log]\n")
	p.cfg.User = "nobody"
	if _, err := p.run("alarm", "test"); !errors.Is(err, platform.ErrPermission) || len(hook.got) > 0 {
		t.Errorf("%v, %q", err, hook.got)
	}
}

// A service that runs sends the test itself.
func TestAlarmTestOfAServiceThatRuns(t *testing.T) {
	p := newPlace(t)
	running(p)
	p.writes(feedd, platform.PhaseReady, alarmed)
	hook := &pager{}
	if err := os.MkdirAll(p.cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	desk := alarm.Open(alarm.Options{
		Config: alarm.Config{Webhook: "https://hooks.example/", Events: []string{"tampered"}}, Poster: hook,
		File: service.Dirs{State: p.cfg.StateDir}.AlarmsFile("feedd"), Service: "feedd", Term: 7, Log: slog.New(slog.DiscardHandler),
	})
	defer desk.Close(time.Minute)
	p.wants("alarm test", 0, "webhook (sent by the running service): taken") // whatever the file says
	hook.mu.Lock()
	hook.fail = errors.New("no route")
	hook.mu.Unlock()
	p.wants("alarm test", 1, "webhook (sent by the running service): failed: no route")
	p.wants("status", 0, "alarms do not arrive by the webhook, 1 failures in a row: no route")
	p.wants("status", 0, "alarms  the last delivered ")
	p.wants("status --json", 0, "")
	alarms, _ := p.json()["alarms"].(map[string]any)
	if ways, _ := alarms["ways"].([]any); alarms["pending"] != 0.0 || len(ways) != 1 || alarms["last_test"] == nil {
		t.Errorf("%v", alarms)
	}
}

// alarmed puts alarms in force for a service.
func alarmed(s *state.State) {
	s.Settings = service.Config{Alarm: alarm.Config{Webhook: "https://hooks.example/"}}.Settings()
}

// A service without alarms in force would never answer, so the command reports this at once.
func TestAlarmTestOfAServiceWithoutAlarms(t *testing.T) {
	p := newPlace(t)
	p.cfg.AlarmWebhook = &pager{}
	running(p)
	p.writes(feedd, platform.PhaseReady, nil)
	p.file("[service]\n")
	p.wants("alarm test", platform.ExitBadConfig, "no alarms are configured")
	p.file(hooked)
	p.wants("alarm test", platform.ExitFailed, "`reload` applies it")
	if _, err := os.Lstat(service.Dirs{State: p.cfg.StateDir}.AlarmsFile("feedd") + ".test"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a note was left: %v", err)
	}
}

// The command does not wait for an answer for ever, and says that it waits.
func TestAlarmTestThatNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		running(p)
		p.writes(feedd, platform.PhaseReady, alarmed)
		if _, err := p.run("alarm", "test", "--timeout", "3s"); !errors.Is(err, alarm.ErrUnanswered) || !strings.Contains(p.errs.String(), "sending the test (1s)") {
			t.Errorf("%v; %s", err, &p.errs)
		}
	})
}

// An error in reading the queue is reported, and does not hide the rest of the status.
func TestStatusOfAlarms(t *testing.T) {
	p := newPlace(t)
	p.wants("status --json", 3, "")
	if _, there := p.json()["alarms"]; there {
		t.Error("alarms of a service that has none")
	}
	path := filepath.Join(p.cfg.StateDir, "feedd.alarms.json")
	p.put(path, `{"pending":[{"id":"x","kind":"tampered","count":1,"first":"2026-01-02T03:04:05Z","left":{"command":0}}],"dropped":3}`)
	p.wants("status", 3, "1 not delivered yet, the oldest from 2026-01-02")
	p.wants("status", 3, "3 lost")
	p.put(path, "{")
	p.wants("status", 3, "queue of alarms")
}
