package openrc_test

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRender(t *testing.T) {
	everything := initdtest.Everything()
	everything.Restart = platform.Restart{Policy: platform.RestartAlways, Delay: 100 * time.Millisecond, Max: platform.NoLimit}
	supervised := everything
	supervised.Supervise = true
	for name, u := range map[string]platform.Unit{"defaults": initdtest.Feedd(), "everything": everything, "supervised": supervised} {
		t.Run(name, func(t *testing.T) {
			script, err := openrc.Render(u)
			if err != nil {
				t.Fatal(err)
			}
			initdtest.Golden(t, name+".openrc", script, *update)
		})
	}
}

// These settings are refused only by OpenRC.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*platform.Unit)
		says   string
	}{
		"passed over":     {func(u *platform.Unit) { u.Name = "feedd.sh" }, ".sh"},
		"line break":      {func(u *platform.Unit) { u.Exec = append(u.Exec, "a\nb") }, "command argument"},
		"carriage return": {func(u *platform.Unit) { u.Exec = append(u.Exec, "a\rb") }, "command argument"},
		"OpenRC's own":    {func(u *platform.Unit) { u.Env = map[string]string{"RC_SVCNAME": "x"} }, "env"},
		"its daemon's":    {func(u *platform.Unit) { u.Env = map[string]string{"SSD_NICELEVEL": "x"} }, "env"},
	} {
		t.Run(name, func(t *testing.T) {
			u := initdtest.Feedd()
			tt.change(&u)
			if _, err := openrc.Render(u); !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %s", err, tt.says)
			}
		})
	}
}

// The policy is in whole seconds, rounded up.
func TestRespawn(t *testing.T) {
	for want, r := range map[string]platform.Restart{
		"--respawn-delay 2 --respawn-max 5 --respawn-period 60 --": {Policy: "on-failure", Delay: 2 * time.Second, Max: 5, Window: time.Minute},
		"--respawn-delay 1 --respawn-max 0 --":                     {Policy: "always", Delay: time.Millisecond, Max: platform.NoLimit},
		"--respawn-delay 2 --respawn-max 1 --respawn-period 1 --":  {Policy: "always", Delay: 1001 * time.Millisecond, Max: 1, Window: time.Millisecond},
	} {
		u := initdtest.Feedd()
		u.Restart = r
		script, err := openrc.Render(u)
		if err != nil || !strings.Contains(string(script), want) {
			t.Errorf("%v: want %s in\n%s", err, want, script)
		}
	}
}
