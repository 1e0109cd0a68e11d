package kardianos_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kardianos/service"

	holdfast "github.com/holdfast-dev/holdfast/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// stopped is a program that records how it was stopped.
type stopped struct{ how []string }

func (*stopped) Start(service.Service) error { return nil }
func (p *stopped) Stop(service.Service) error {
	p.how = append(p.how, "stop")
	return nil
}

type shutDown struct{ stopped }

func (p *shutDown) Shutdown(service.Service) error {
	p.how = append(p.how, "shutdown")
	return nil
}

// A service that requests its own stop gets its answer before its Stop is called, even on a
// slow machine. The wait for that is limited by the time for a stop.
func TestAnswerComesBeforeTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, before := &stopped{}, false
		err := kardianos.StopWhileAsked(t.Context(), p, nil, func() {
			time.Sleep(time.Minute)
			before = p.how == nil
		})
		if err != nil || len(p.how) != 1 || !before {
			t.Errorf("%v, %q, answered before: %v", err, p.how, before)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p, answer := &stopped{}, make(chan struct{})
		if err := kardianos.StopWhileAsked(ctx, p, nil, func() { <-answer }); err != nil || len(p.how) != 1 {
			t.Errorf("%v, %q", err, p.how)
		}
		close(answer)
	})
}

// A Shutdowner's Shutdown is called if the cause is the machine's shutdown. That is decided by
// the error, not by its text.
func TestShutdowner(t *testing.T) {
	for _, tt := range []struct {
		cause error
		want  string
	}{
		{errors.New("asked to stop by SHUTDOWN"), "stop"},
		{fmt.Errorf("asked: %w", holdfast.ErrShutdown), "shutdown"},
	} {
		p := &shutDown{}
		if err := kardianos.StopWhileAsked(t.Context(), p, tt.cause, func() {}); err != nil || len(p.how) != 1 || p.how[0] != tt.want {
			t.Errorf("%v: %v, %q", tt.cause, err, p.how)
		}
	}
}
