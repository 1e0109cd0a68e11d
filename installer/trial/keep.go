package trial

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// keeper is the confirmed version while the candidate runs as its child. It remains the
// process that the manager knows, and passes messages in both directions.
type keeper struct {
	host  platform.Host
	tell  chan<- message // to the child; full while that one does not read
	said  <-chan message // by the child; closed after its last word
	ended <-chan int     // exit code; below 0: it left none
	kill  func()
	due   func() error // why the candidate is to make room; nil: not yet
	// confirmed reports whether the candidate is the confirmed version by now.
	confirmed func() bool

	listens bool          // the child does
	asked   bool          // somebody has asked the service to stop
	over    error         // why the candidate was told to make room
	within  time.Duration // how long the child's stop may take
	limit   <-chan time.Time
}

// lastWords is how long the messages of a child may take to arrive after its end.
const lastWords = 5 * time.Second

// run returns at the end of the child. If somebody had asked for that end, or the child was
// confirmed, the service has ended with that exit code. Otherwise follows says why the
// confirmed version takes over, with a host that has noticed nothing.
func (k *keeper) run() (code int, follows error) {
	k.within = platform.Defaults().StopTimeout
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case q := <-k.host.Requests():
			k.pass(q)
		case m, open := <-k.said:
			if !open {
				k.said = nil
				continue
			}
			k.hear(m)
		case code := <-k.ended:
			return k.end(code)
		case <-k.limit:
			k.limit = nil
			k.kill()
		case <-tick.C:
			if k.over != nil || k.asked {
				continue
			}
			if k.over = k.due(); k.over != nil {
				k.stop(platform.Request{Kind: platform.RequestStop, Source: "the confirmed version"})
			}
		}
	}
}

// pass forwards a request of the host. A second stop ends the child at once, unless the first
// one was ours.
func (k *keeper) pass(q platform.Request) {
	if q.Kind != platform.RequestStop {
		k.send(q)
		return
	}
	first := !k.asked
	k.asked = true
	if first && k.over != nil {
		return
	}
	k.stop(q)
}

// stop asks the child to end. A child that does not listen yet has nothing to lose, and is
// ended at once.
func (k *keeper) stop(q platform.Request) {
	if !k.listens {
		k.kill()
		return
	}
	k.send(q)
	k.await()
}

// await limits the time that the child has to end.
func (k *keeper) await() {
	if k.limit == nil {
		k.limit = time.After(k.within + platform.StopMargin)
	}
}

func (k *keeper) send(q platform.Request) {
	select {
	case k.tell <- asking(q):
	default: // it has not read the many before; one that is to stop is killed in the end
	}
}

// hear forwards a message of the child to the host, except for a stop that does not concern
// the host.
func (k *keeper) hear(m message) {
	k.listens = true
	if c := m.Configure; c != nil {
		k.within = c.Stop
		if h, ok := k.host.(platform.Configurable); ok {
			h.Configure(platform.HostConfig{StartTimeout: c.Start, StopTimeout: c.Stop, Events: c.Events})
		}
	}
	n := m.Notice.notice()
	if n.Phase == platform.PhaseStopping {
		if k.over != nil && !k.asked {
			return
		}
		k.asked = true // by somebody who knows it, and not us
		k.await()
	}
	if n != (platform.Notice{}) {
		_ = k.host.Notify(n) // the child goes on all the same, as it would itself
	}
}

func (k *keeper) end(code int) (int, error) {
	limit := time.After(lastWords)
	for k.said != nil {
		select {
		case m, open := <-k.said:
			if !open {
				k.said = nil
				continue
			}
			k.hear(m)
		case <-limit: // somebody has inherited its end of the pipe
			k.said = nil
		}
	}
	switch {
	case k.asked, k.confirmed():
		if code < 0 {
			code = platform.ExitFailed
		}
		return code, nil
	case k.over != nil:
		return code, k.over
	case code < 0:
		return code, over("the candidate was killed")
	}
	return code, over("the candidate ended with exit code %d", code)
}

// due returns the reason why the candidate has to end although nobody has asked for it.
func (o Options) due(r Record) error {
	if _, err := os.Lstat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return over("it was rolled back")
	}
	if now, err := proc.Boottime(); err != nil || now >= r.Deadline {
		return over("this version was not confirmed within its time limit")
	}
	return nil
}

// watched returns the trial as seen by the process that keeps the candidate.
func (r Record) watched() *Trial {
	t := &Trial{confirmed: make(chan struct{}), exe: r.Candidate}
	t.mark = mark{ID: r.ID, From: r.From, Stable: r.Stable, Deadline: r.Deadline}
	t.look()
	return t
}
