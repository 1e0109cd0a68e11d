package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// The reasons for which a machine does not upgrade.
var (
	// ErrPinned means that the version was rolled back on some machine.
	ErrPinned = errors.New("no machine of the cluster takes this version")
	// ErrOther means that the rollout of another version is under way.
	ErrOther = errors.New("another rollout is under way")
	// ErrStopped means that the rollout was stopped.
	ErrStopped = errors.New("the rollout was stopped")
)

// Options describe how one machine takes part.
type Options struct {
	Roster  singleton.Roster
	Machine string // its name in the cluster
	SHA256  string // of the new version
	By      string // who requested it, for people
	Rules          // of the rollout, if this machine begins it
	Force   bool   // begin although the version is pinned, and unpin it
	// Member reads what a machine shows of itself.
	Member func(entry []byte) Member
	// Waits is called with what the machine waits for, each time that it changes. Notes is
	// called with what a person should know besides. Both must be set.
	Waits, Notes func(text string)
}

// A Party is one machine that takes part in a rollout. Its methods block until they succeed or
// ctx ends: they wait for an engine that cannot be reached. One goroutine at a time may use it.
type Party struct {
	Options

	told    string
	settled time.Time // since when the canaries serve; zero: they do not
}

// Join joins the rollout of the version, or begins it. It returns the machine's turn, if it
// has one already. A machine that is in its turn joins even if the rollout was stopped since.
func (p *Party) Join(ctx context.Context) (*Turn, error) {
	if err := p.Attend(ctx); err != nil {
		return nil, err
	}
	var own *Turn
	err := p.change(ctx, func(v *view) (bool, error) {
		pin, r := v.Pin(p.SHA256), v.Rollout
		if own = r.Turn(p.Machine); own != nil && own.State == Upgrading && r.SHA256 == p.SHA256 {
			return false, nil
		}
		if pin != nil && !p.Force {
			return false, fmt.Errorf("%w: %v: use --force to try it again", ErrPinned, pin)
		}
		if r != nil && r.SHA256 == p.SHA256 && !r.Stopped {
			if r.Rules != p.Rules {
				p.Notes(fmt.Sprintf("the rollout has begun with %v, which applies here too", r.Rules))
			}
			return false, nil
		}
		if who := v.busy(p.Machine); who != "" {
			return false, fmt.Errorf("%w: of %s, by %s, since %s: %s", ErrOther, r.Named(), r.By, r.Since.Local().Format(time.DateTime), who)
		}
		v.unpin(p.SHA256)
		own = nil
		v.Rollout = &Rollout{SHA256: p.SHA256, By: p.By, Since: time.Now(), Rules: p.Rules, Turns: []Turn{}}
		return true, nil
	})
	return own, err
}

// busy returns which machine is at work for the rollout, or "" if it may be replaced.
func (v view) busy(self string) string {
	r := v.Rollout
	if r == nil {
		return ""
	}
	for _, t := range r.Turns {
		if t.Begun() {
			return t.Machine + " is in its turn"
		}
	}
	for _, m := range v.machines {
		if m.name != self && m.attended == r.SHA256 && (!r.Stopped || len(r.machines(Confirmed)) > 0) {
			return "an upgrade waits on " + m.name
		}
	}
	return ""
}

// String returns the rules for people.
func (r Rules) String() string {
	return fmt.Sprintf("--canaries %d --canary-settle %v --max-unavailable %d --leader-last=%v", r.Canaries, r.CanarySettle, r.MaxUnavailable, r.LeaderLast)
}

// errTwice means that two commands wait on one machine, and that the other one has its turn. To
// take it from that one would lose the outcome that it reports.
func errTwice() error {
	return fmt.Errorf("%w: another command has the turn of this machine", ErrOther)
}

// Take waits for the turn of the machine, and takes it for the upgrade id. The error wraps
// [ErrStopped] or [ErrOther] if the turn will not come.
func (p *Party) Take(ctx context.Context, id string) error {
	return p.wait(ctx, func(v view) (string, *Turn, bool, error) {
		r := v.Rollout
		switch {
		case r == nil || r.SHA256 != p.SHA256:
			return "", nil, false, fmt.Errorf("%w: it has replaced this one", ErrOther)
		case r.Stopped:
			return "", nil, false, fmt.Errorf("%w: %s", ErrStopped, r.Why)
		}
		if t := r.Turn(p.Machine); t != nil && t.State == Upgrading {
			if t.ID == id { // a write whose answer was lost
				return "", nil, true, nil
			}
			return "", nil, false, errTwice()
		}
		return v.obstacle(p.Machine), p.turn(id, Upgrading), false, nil
	})
}

// Finish waits until the rollout is over for a machine that is confirmed. If it is stopped
// instead, Finish waits for the machine's turn to go back, takes it for the upgrade id, and
// returns true.
func (p *Party) Finish(ctx context.Context, id string) (back bool, err error) {
	looked, left := false, "" // the id of a turn to go back that an earlier command has left
	err = p.wait(ctx, func(v view) (string, *Turn, bool, error) {
		back = false
		r := v.Rollout
		if t := r.Turn(p.Machine); !looked && t != nil && t.State == GoingBack {
			left = t.ID
		}
		looked = true
		if r == nil || r.SHA256 != p.SHA256 {
			return "", nil, true, nil
		}
		if !r.Stopped {
			text := v.pending(p.Machine)
			return text, nil, text == "", nil
		}
		t := r.Turn(p.Machine)
		switch {
		case t != nil && t.ID == id && t.State == GoingBack:
			back = true
			return "", nil, true, nil
		case t == nil || !t.mayGoBack():
			return "", nil, true, nil
		case t.State == GoingBack && t.ID != left:
			return "", nil, false, errTwice()
		}
		back = true
		return v.obstacleBack(p.Machine), p.turn(id, GoingBack), false, nil
	})
	return back && err == nil, err
}

// mayGoBack reports whether the machine may have the version of the rollout. One that was
// released may: whoever goes back sees whether it does.
func (t *Turn) mayGoBack() bool {
	return t.State == Confirmed || t.State == GoingBack || t.State == Stuck || t.State == Released
}

func (p *Party) turn(id string, s State) *Turn {
	return &Turn{Machine: p.Machine, ID: id, State: s, Since: time.Now(), By: p.By}
}

// An Outcome is how a turn has ended.
type Outcome struct {
	State           State
	SHA256, Version string // of the version that the machine tried
	Why             string
}

// Report records the outcome of the machine's turn for the upgrade id. A version that was
// rolled back stops the rollout and is pinned by the same change. Report does nothing if the
// outcome is known already.
func (p *Party) Report(ctx context.Context, id string, o Outcome) error {
	o.Why = shortened(o.Why)
	return p.change(ctx, func(v *view) (changed bool, _ error) {
		if o.State == RolledBack && v.Pin(o.SHA256) == nil {
			v.pin(Pin{SHA256: o.SHA256, Version: o.Version, Machine: p.Machine, At: time.Now(), Why: o.Why})
			changed = true
			if r := v.Rollout; r != nil && r.SHA256 == o.SHA256 && !r.Stopped { // whoever has the turn by now
				r.Stopped, r.Why = true, stopped(p.Machine, o)
			}
		}
		r := v.Rollout
		t := r.Turn(p.Machine)
		if t == nil || t.ID != id || !t.Begun() && t.State != Released {
			return changed, nil
		}
		switch o.State {
		case Confirmed:
			r.Version = cmp.Or(o.Version, r.Version)
		case RolledBack:
			r.Stopped, r.Why = true, stopped(p.Machine, o)
		}
		done := *p.turn(id, o.State)
		done.Why = o.Why
		r.set(done)
		return true, nil
	})
}

// stopped returns why a rollout is stopped.
func stopped(machine string, o Outcome) string {
	return fmt.Sprintf("%s was rolled back on %s: %s", named(o.Version, o.SHA256), machine, o.Why)
}

// Stopped returns the digest of the rollout that was stopped, from which the machine can go
// back. The error says why it cannot.
func (p *Party) Stopped(ctx context.Context) (digest string, err error) {
	v, err := p.look(ctx)
	if err != nil {
		return "", err
	}
	r := v.Rollout
	t := r.Turn(p.Machine)
	switch {
	case r == nil:
		return "", errors.New("there was no rollout")
	case !r.Stopped:
		return "", fmt.Errorf("the rollout of %s is not stopped", r.Named())
	case t == nil || !t.mayGoBack():
		return "", fmt.Errorf("the stopped rollout of %s has not upgraded this machine", r.Named())
	}
	return r.SHA256, nil
}

func shortened(text string) string {
	if len(text) > maxText {
		return text[:maxText] + "..."
	}
	return text
}

// Release says not to wait for a machine, because it is down or because its turn will not end
// by itself. It reports whether there was something to wait for.
func (p *Party) Release(ctx context.Context, machine string) (released bool, err error) {
	err = p.change(ctx, func(v *view) (bool, error) {
		released = false
		if v.Rollout == nil {
			return false, nil
		}
		t := v.Rollout.Turn(machine)
		switch {
		case t == nil && !v.knows(machine), t == nil && v.machine(machine).serves(), t != nil && !t.Begun() && v.machine(machine).serves(), t != nil && t.State == Released:
			return false, nil
		}
		next := Turn{Machine: machine, State: Released, Since: time.Now(), By: p.By}
		if t != nil {
			next.ID = t.ID
		}
		v.Rollout.set(next)
		released = true
		return true, nil
	})
	return released, err
}
