package kardianos_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// hung is a manager that never finishes a stop.
type hung struct{ platform.Manager }

func (hung) Stop(ctx context.Context, _ platform.ID) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// A stop by a manager that hangs is given up after the time for a start in progress and the
// stop.
func TestStopByAManagerThatHangs(t *testing.T) {
	c := &service.Config{Name: "feed", Option: service.KeyValue{"StartTimeout": "3s", "StopTimeout": "5s", "UserService": true}}
	const limit = 3*time.Second + 5*time.Second + platform.StopMargin
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		err := kardianos.StopBy(hung{}, "linux-openrc", "openrc", c)
		if took := time.Since(begun); !errors.Is(err, platform.ErrTimeout) || took != limit {
			t.Errorf("after %v: %v, want %v", took, err, limit)
		}
	})

	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "LocalAppData"} {
		t.Setenv(name, home)
	}
	errDone := errors.New("done")
	err := kardianos.Alone("linux-openrc", "openrc", c, func(ctx context.Context) error {
		if end, ok := ctx.Deadline(); !ok || time.Until(end) > limit {
			t.Errorf("until %v, %v", end, ok)
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Error(err)
	}
}
