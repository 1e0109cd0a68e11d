package service

import (
	"fmt"
	"net"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// The wait for the network is ours where the manager has no word for it. It is
// bounded, as a machine may be meant to have none; a program that cannot do without
// finds out itself.
const (
	networkWait  = 30 * time.Second
	networkEvery = 250 * time.Millisecond
)

// waitsForNetwork reports whether nobody else has waited for the network: launchd
// and the SCM keep no such order, and the systemd of a user knows no target of the
// machine's. Who starts it by hand is not kept waiting.
func (l *life) waitsForNetwork() bool {
	switch l.host.Name() {
	case "launchd", "scm":
		return l.cfg.NeedsNetwork
	case "systemd":
		return l.cfg.NeedsNetwork && l.cfg.Scope == platform.ScopeUser
	}
	return false
}

// awaitNetwork returns when there is a network, or a stop is asked for, or the time
// is over. It is no part of the program's start_timeout: the manager is asked for
// as much time more.
func (l *life) awaitNetwork() {
	if !l.waitsForNetwork() || l.machine.online() {
		return
	}
	const text = "waiting for the network"
	l.log.Info(text, "at_most", networkWait)
	l.state.update(func(s *State) { s.StatusText = text })
	l.notify(platform.Notice{Text: text, Step: text, Extend: networkWait + l.cfg.StartTimeout + platform.StopMargin})
	defer l.state.update(func(s *State) { s.StatusText = "" })
	begun := time.Now()
	limit := time.NewTimer(networkWait)
	defer limit.Stop()
	again := time.NewTicker(networkEvery)
	defer again.Stop()
	for {
		select {
		case <-l.stopping.Done():
			return
		case <-limit.C:
			l.log.Warn("there is no network yet: starting without it", "waited", networkWait)
			return
		case <-again.C:
			if l.machine.online() {
				took := time.Since(begun)
				l.log.Info("there is a network", "after", took)
				l.notify(platform.Notice{Step: fmt.Sprintf("there is a network, after %v", took.Round(time.Millisecond)), Extend: l.cfg.StartTimeout + platform.StopMargin})
				return
			}
		}
	}
}

// online reports whether an interface other than the loopback has an address and a
// route to the world. No packet is sent: connecting a UDP socket only asks the
// system which address it would send from, here to addresses that are kept for
// documentation (RFC 5737, RFC 3849).
func online() bool {
	for _, to := range []string{"192.0.2.1", "2001:db8::1"} {
		c, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(to), Port: 9}) // discard
		if err != nil {
			continue
		}
		from, ok := c.LocalAddr().(*net.UDPAddr)
		_ = c.Close()
		if ok && from.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}
