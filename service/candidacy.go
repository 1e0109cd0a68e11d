package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

const (
	// standbyAfter is how long a campaign that tells nothing may take before the candidate
	// reports that it waits.
	standbyAfter = 2 * time.Second
	// campaignAgain is the pause after a campaign that failed. It doubles each time, up to
	// campaignAgainMax.
	campaignAgain    = time.Second
	campaignAgainMax = 30 * time.Second
	// resignLimit limits how long a stop tries to hand over.
	resignLimit = 5 * time.Second
)

// A candidacy is the part of a life that only a service with a cluster has. Unless said
// otherwise, only the goroutine of live uses it.
type candidacy struct {
	elector  singleton.Elector
	campaign *pending       // the last call of Campaign
	won      singleton.Term // its result, valid after the call
	news     chan string
	standing bool // it has reported that it waits

	elected  chan struct{}  // closed when led is set
	led      singleton.Term // the term of this life
	unled    chan struct{}  // closed when led is lost, unless the program resigns
	resigned chan struct{}  // closed when nothing needs the term any more
}

func newCandidacy() candidacy {
	return candidacy{news: make(chan string, 8), elected: make(chan struct{}), unled: make(chan struct{}), resigned: make(chan struct{})}
}

// clusterSettings returns those of the cluster.
func (l *life) clusterSettings() ClusterSettings { return *l.cfg.clusterSettings() }

// stand waits until this instance leads, and reports meanwhile that it waits. It returns early
// if a stop is requested, or if the elector cannot be made.
func (l *life) stand() {
	if l.stopping.Err() != nil {
		return
	}
	name := l.clusterSettings().Name
	l.state.update(func(s *State) { s.Cluster = &state.Cluster{Name: name, Role: state.RoleStandby, Since: time.Now()} })
	if !l.prepareElection() {
		return
	}
	patience := time.NewTimer(standbyAfter)
	defer patience.Stop()
	if l.anew { // it has been ready already
		l.standBy("")
	}
	pause := campaignAgain
	for {
		l.campaign = begin("Campaign", func() (err error) { l.won, err = l.elector.Campaign(l.with(l.stopping)); return err })
		if l.awaitElection(patience.C) {
			return
		}
		err := l.campaign.prefixed()
		l.log.Warn("the election failed", "error", err, "again_in", pause)
		l.standBy("the election failed: " + oneLine(err))
		select {
		case <-time.After(pause):
		case <-l.stopping.Done():
			return
		}
		pause = min(2*pause, campaignAgainMax)
	}
}

// prepareElection begins the extensions, which a candidate has already, and makes the elector.
func (l *life) prepareElection() bool {
	limit := l.clocks.start(l.stopping, l.cfg.StartTimeout)
	defer limit.stop()
	machine := l.clusterSettings().Machine
	c := Candidate{ID: l.id, Name: l.id + "@" + machine, Machine: machine, Version: l.cfg.Version, Log: l.log, Told: l.hearElection}
	call := begin("Elect", func() (err error) {
		if err := l.extend(l.with(l.stopping)); err != nil {
			return err
		}
		if l.elector, err = l.cfg.Cluster.Elect(l.with(limit.ctx), c, l.cfg.extensions[clusterTable]); err != nil {
			return fmt.Errorf("the election: %w", err)
		}
		return nil
	})
	if err := call.wait(limit.ctx); err != nil {
		if !call.ended() {
			l.hung = true
			err = fmt.Errorf("the election %w of %v", err, limit.length)
		}
		if l.stopping.Err() == nil {
			l.fail(l.denied(err))
		}
		return false
	}
	l.post()
	return true
}

// hearElection takes what the engine tells. It drops a text if many wait.
func (l *life) hearElection(text string) {
	l.state.update(func(s *State) {
		if s.Cluster != nil {
			now := *s.Cluster // readers have the old one
			now.Text = text
			s.Cluster = &now
		}
	})
	select {
	case <-l.elected:
		l.log.Warn("the cluster's engine reports a change", "text", text)
		return
	default:
	}
	select {
	case l.news <- text:
	default:
	}
}

// awaitElection returns true when the campaign is won or a stop is requested, and false if it
// has failed.
func (l *life) awaitElection(patience <-chan time.Time) bool {
	for {
		select {
		case <-l.campaign.done:
			if l.campaign.err == nil && l.won == nil {
				l.campaign.err = errors.New("it returned neither a term nor an error")
			}
			if l.stopping.Err() != nil {
				return true
			}
			if l.campaign.err != nil {
				return false
			}
			l.lead()
			return true
		case text := <-l.news:
			l.standBy(text)
		case <-patience:
			if !l.standing { // otherwise it shows what the engine tells
				l.standBy("")
			}
		case <-l.stopping.Done():
			return true
		}
	}
}

// standBy shows that this candidate waits. The first time it becomes ready to its manager,
// and takes reloads.
func (l *life) standBy(text string) {
	if text == "" {
		text = "waits to lead"
	}
	text = "standby: " + text
	if l.standing {
		if l.state.now().StatusText != text {
			l.log.Info(text)
			l.state.update(func(s *State) { s.StatusText = text })
			l.notify(platform.Notice{Text: text})
		}
		return
	}
	if !l.enter(platform.PhaseStandby, func(s *State) { s.ReadyAt, s.StatusText = time.Now(), text }) {
		return
	}
	l.standing = true
	l.log.Info(text)
	l.openGate()
	l.attend()
}

// lead begins the term that was won. From then on everything is as without a cluster, until
// the term is lost.
func (l *life) lead() {
	l.led = l.won
	close(l.elected)
	token := l.led.Token()
	text := fmt.Sprintf("leads, term %d", token)
	l.turn <- struct{}{} // after a reload that is under way
	if l.standing && !l.enter(platform.PhaseStarting, func(*State) {}) {
		return
	}
	l.log.Info("this instance leads", "term", token, "until", l.led.Deadline())
	l.state.update(func(s *State) {
		s.StatusText = text
		s.Cluster = &state.Cluster{Name: l.clusterSettings().Name, Role: state.RoleLeader, Since: time.Now(), Term: token}
	})
	l.notify(platform.Notice{Text: text})
	if err := l.record.Led(token); err != nil {
		l.log.Warn("the next run will not know that this one led", "error", err)
	}
	l.keepTerm()
}

// resign hands over when everything that needs the term has ended, and closes the elector. It
// does neither if something may still be at work: the term then ends at its deadline, after
// this process.
func (l *life) resign(total *clock) {
	if l.cfg.Cluster == nil {
		return
	}
	if l.campaign != nil && !l.campaign.ended() {
		l.step(total, "end of the campaign", l.share(total.left(), 0), func(ctx context.Context) error {
			if err := l.campaign.wait(ctx); !l.campaign.ended() {
				return err
			}
			return nil
		})
	}
	if l.hung || total.ctx.Err() != nil || l.elector == nil {
		return
	}
	close(l.resigned)
	if l.campaign != nil && l.won != nil {
		l.inform(total, "hand over", l.won.Resign)
	}
	if c, ok := l.elector.(io.Closer); ok {
		l.inform(total, "close the elector", func(context.Context) error { return c.Close() })
	}
}

// inform runs a step that tells the cluster something. Its failure is none of the service: the
// term ends at its deadline.
func (l *life) inform(total *clock, name string, tell func(context.Context) error) {
	l.step(total, name, min(resignLimit, l.share(total.left(), 0)), func(ctx context.Context) error {
		err := begin(name, func() error { return tell(l.with(ctx)) }).wait(ctx)
		if err != nil {
			l.log.Warn("stop: the cluster was not told: the others wait until the term ends", "step", name, "error", err)
		}
		return nil
	})
}
