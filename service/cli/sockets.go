package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// checkSockets returns an error for each socket of the configuration at whose address
// somebody else listens. It names that process.
func (t *target) checkSockets(ctx context.Context) error {
	if supervise.Carried() { // a script restarts the service, and holds its sockets meanwhile
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
		errs = append(errs, t.cfg.ErrorAt(fmt.Sprintf("service.socket.%d.listen", i+1), fmt.Errorf("%s listens at %s already", holders[0], at)))
	}
	return service.BadConfig(errs...)
}

// oneIsOurs reports whether one of the processes belongs to the service: its own process, its
// supervisor, or a systemd, which keeps sockets for it.
func (t *target) oneIsOurs(ctx context.Context, all []sockets.Holder) bool {
	ours := []int{1}
	if h, err := t.holder(ctx); err == nil {
		ours = append(ours, h.PID)
	}
	if h, ok := t.supervisor(ctx); ok {
		ours = append(ours, h.PID)
	}
	if t.manager != nil {
		if st, err := t.query(ctx, t.id); err == nil { // a definition that is about to be replaced
			ours = append(ours, st.PID)
		}
	}
	return slices.ContainsFunc(all, func(h sockets.Holder) bool { return h.Name == "systemd" || slices.Contains(ours, h.PID) })
}
