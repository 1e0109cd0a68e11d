package service

import (
	"fmt"
	"net"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// If the manager cannot wait for the network, the service does. The wait is limited, since the
// machine may have no network on purpose; a program that cannot work without one finds out
// itself.
const (
	networkWait  = 30 * time.Second
	networkEvery = 250 * time.Millisecond
)

// waitsForNetwork reports whether the service has to wait for the network itself. launchd and
// the SCM have no such dependency, and the systemd of a user does not know the targets of the
// system. A service that is started by hand does not wait.
func (l *life) waitsForNetwork() bool {
	switch l.host.Name() {
	case "launchd", "scm":
		return l.cfg.NeedsNetwork
	case "systemd":
		return l.cfg.NeedsNetwork && l.cfg.Scope == platform.ScopeUser
	}
	return false
}

// awaitNetwork returns when there is a network, a stop is requested, or networkWait is over.
// The wait is no part of the program's start_timeout, so the manager is asked for more time.
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

// online reports whether an interface other than the loopback has an address and a route to
// the outside. It sends no packet: connecting a UDP socket only asks the system for the source
// address, here towards addresses that are reserved for documentation (RFC 5737, RFC 3849).
func online() bool {
	for _, to := range []string{"192.0.2.1", "2001:db8::1"} {
		c, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(to), Port: 9}) // the discard port
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
