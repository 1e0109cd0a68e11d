package alarm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/test/wait"
)

func test(t *testing.T) alarm.Event {
	t.Helper()
	at := time.Now().Truncate(time.Second)
	return alarm.Event{
		ID: "reload-failed.7.1", Kind: alarm.ReloadFailed, Subject: "a b", Text: "it says\n\"no\" $(id) `id` %PATH%", Count: 3,
		First: at.Add(-time.Minute), Last: at, Service: "feedd@west", Host: "here", Version: "1.2", Term: 7,
	}
}

func toldBy(args ...string) alarm.Config {
	return alarm.Config{Command: append([]string{os.Args[0], role}, args...)}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// hear waits until a command has written what it has found, and returns it.
func hear(t *testing.T, path string) (h heard) {
	t.Helper()
	wait.Until(t, "the command to write "+path, func() bool {
		b, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(b, &h) == nil
	})
	return h
}

// gone waits until the process of h is gone.
func (h heard) gone(t *testing.T) {
	t.Helper()
	wait.Until(t, "the end of the process", func() bool {
		id, err := proc.Of(h.PID)
		if err != nil {
			return true
		}
		alive, err := id.Alive()
		return err == nil && !alive
	})
}

func TestTheCommandHears(t *testing.T) {
	t.Setenv("A_SECRET", "of the service's")
	path := filepath.Join(t.TempDir(), "heard")
	want := test(t)
	if err := alarm.RunCommand(t.Context(), toldBy("hear", path), want, quiet()); err != nil {
		t.Fatal(err)
	}
	h := hear(t, path)
	var got alarm.Event
	if err := json.Unmarshal([]byte(h.Input), &got); err != nil {
		t.Fatalf("%v: %s", err, h.Input)
	}
	if !got.First.Equal(want.First) || !got.Last.Equal(want.Last) {
		t.Errorf("%+v", got)
	}
	got.First, got.Last = want.First, want.Last
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, v := range []string{
		"ID=reload-failed.7.1", "KIND=reload-failed", "SUBJECT=a b", "TEXT=" + want.Text, "COUNT=3", "SERVICE=feedd@west", "HOST=here", "VERSION=1.2",
		"LAST=" + want.Last.Format(time.RFC3339),
	} {
		if !slices.Contains(h.Env, "HOLDFAST_ALARM_"+v) {
			t.Errorf("its environment lacks %q: %q", v, h.Env)
		}
	}
	if strings.Contains(strings.Join(h.Env, " "), "A_SECRET") {
		t.Errorf("its environment is ours: %q", h.Env)
	}
	if len(filepath.VolumeName(h.Dir))+1 != len(h.Dir) {
		t.Errorf("it runs in %s", h.Dir)
	}
}

func TestCommandsThatFail(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, tt := range map[string]struct {
		c    alarm.Config
		says string
	}{
		"by its code": {toldBy("fail"), "exit status 3"},
		"missing":     {alarm.Config{Command: []string{missing}}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			err := alarm.RunCommand(t.Context(), tt.c, test(t), slog.New(slog.NewTextHandler(&log, nil)))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
			if name == "by its code" && !strings.Contains(log.String(), `output="no such pager"`) {
				t.Errorf("the log has %s", &log)
			}
		})
	}
}

// A command that sleeps forever is killed when its time is up. What a command leaves behind is
// killed, too.
func TestNobodyIsLeftBehind(t *testing.T) {
	t.Run("its time is up", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "heard")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- alarm.RunCommand(ctx, toldBy("sleep", path), test(t), quiet()) }()
		h := hear(t, path)
		cancel(context.DeadlineExceeded)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
			t.Errorf("%v", err)
		}
		h.gone(t)
	})
	t.Run("it has forked", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "heard")
		if err := alarm.RunCommand(t.Context(), toldBy("fork", path), test(t), quiet()); err != nil {
			t.Error(err)
		}
		hear(t, path).gone(t)
	})
}

func TestACommandThatSaysTooMuch(t *testing.T) {
	var log bytes.Buffer
	if err := alarm.RunCommand(t.Context(), toldBy("flood"), test(t), slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Error(err)
	}
	if n := log.Len(); n < 4000 || n > 6000 || !strings.Contains(log.String(), "bytes more)") {
		t.Errorf("%d bytes in the log", n)
	}
}

// The desk kills its command, and does not wait for it.
func TestCloseEndsTheCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heard")
	file := alarm.File(t.TempDir(), "feedd")
	desk := alarm.Open(alarm.Options{Config: toldBy("sleep", path), File: file, Service: "feedd", Term: 1, Log: quiet()})
	desk.Raise(alarm.Tampered, "", "x")
	h := hear(t, path)
	if !desk.Close(wait.Limit) {
		t.Error("not closed")
	}
	h.gone(t)
	if r := report(t, file); r.Pending != 1 || len(r.Ways) != 0 {
		t.Errorf("%+v", r) // the next run delivers it
	}
}
