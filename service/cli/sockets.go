package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// checkSockets returns an error for each socket of the configuration at whose address
// somebody else listens. It names that process.
func (t *target) checkSockets(ctx context.Context) error {
	if supervise.Lent() { // a script restarts the service, and holds its sockets meanwhile
		return nil
	}
	var errs []error
	for i, s := range t.cfg.Sockets {
		at, err := s.Address()
		if err != nil || s.ReusePort || at.Network != "unix" && at.Port == 0 {
			continue
		}
		holders := sockets.Holders(at)
		if len(holders) == 0 || t.oneIsOurs(ctx, holders) {
			continue
		}
		errs = append(errs, t.cfg.ErrorAt(fmt.Sprintf("service.socket.%d.listen", i+1), fmt.Errorf("%s listens at %s already", foremost(holders), at)))
	}
	return service.BadConfig(errs...)
}

// oneIsOurs reports whether one of the processes belongs to the service: its own process, its
// supervisor, or a systemd alone, which may keep sockets for a service that is installed. A
// systemd keeps those of other services, too, but then they mostly have a process beside it.
func (t *target) oneIsOurs(ctx context.Context, all []sockets.Holder) bool {
	var ours []int
	installed := true // if nobody says
	if h, err := t.holder(ctx); err == nil {
		ours = append(ours, h.PID)
	}
	if h, ok := t.supervisor(ctx); ok {
		ours = append(ours, h.PID)
	}
	if t.manager != nil {
		if st, err := t.query(ctx, t.id); err == nil { // a definition that is about to be replaced
			ours, installed = append(ours, st.PID), st.Installed || st.Definition != nil
		}
	}
	isOurs := func(h sockets.Holder) bool { return slices.Contains(ours, h.PID) }
	return slices.ContainsFunc(all, isOurs) || installed && !slices.ContainsFunc(all, isNoKeeper)
}

// isNoKeeper reports whether a process listens for itself: a systemd, of the machine or of a
// user, does so for services.
func isNoKeeper(h sockets.Holder) bool { return h.PID != 1 && h.Name != "systemd" }

// foremost returns the process to name: who keeps a socket for it does not say whose it is.
func foremost(all []sockets.Holder) sockets.Holder {
	return all[max(0, slices.IndexFunc(all, isNoKeeper))]
}

// socketText says where a socket listens, and who keeps it.
func socketText(s state.Socket) string {
	kept := "closed while the service restarts"
	switch s.KeptBy {
	case "":
	case "supervisor":
		kept = "kept by its supervisor"
	default:
		kept = "kept by " + s.KeptBy
	}
	return fmt.Sprintf("%s: %s, %s", s.Name, s.Address, kept)
}

// closedSockets returns the sockets of the configuration that the running process, whose state
// is f, does not have open, or that nobody can reach.
func (t *target) closedSockets(f state.State) (all []doctor.Socket) {
	for _, s := range t.cfg.Sockets {
		at, err := s.Address()
		if err != nil {
			continue
		}
		found := doctor.Socket{Name: s.Name, Listen: at.String()}
		i := slices.IndexFunc(f.Sockets, func(open state.Socket) bool { return open.Name == s.Name })
		switch {
		case i < 0:
			found.Why = "the process has not opened it"
		case f.Sockets[i].Listen != found.Listen:
			found.Why, found.Reload = "the process listens at "+oneLine(f.Sockets[i].Address), at.Network != "udp"
		default:
			found.Why = sockets.Lost(at)
		}
		if found.Why != "" {
			all = append(all, found)
		}
	}
	return all
}
