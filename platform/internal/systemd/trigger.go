package systemd

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// triggering has the properties for one `systemctl show` of all socket units.
const triggering = "Id,LoadState,ActiveState,UnitFileState,Result,NeedDaemonReload,TriggerLimitBurst,TriggerLimitIntervalUSec"

// sockets returns the names of the socket units that an install has written for the service.
func (m *Manager) sockets(id platform.ID) []string {
	file, err := m.unitFile(id)
	if err != nil {
		return nil
	}
	var names []string
	content, err := m.sys.ReadFile(file)
	if err == nil && bytes.HasPrefix(content, []byte(mark)) {
		for line := range strings.Lines(string(content)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "Sockets="); ok {
				names = append(names, strings.Fields(value)...)
			}
		}
	}
	if first := firstSocketUnit(id); !slices.Contains(names, first) && m.ourSocket(path.Join(path.Dir(file), first)) {
		names = append(names, first) // somebody has changed the unit of the service
	}
	return names
}

func (m *Manager) ourSocket(file string) bool {
	content, err := m.sys.ReadFile(file)
	return err == nil && bytes.HasPrefix(content, []byte(mark))
}

// showSockets returns the properties of the units, in their order.
func (m *Manager) showSockets(ctx context.Context, scope platform.Scope, names []string) ([]properties, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := room.Ask(ctx, m.sys, systemctl(scope, append([]string{"show", "--property=" + triggering, "--"}, names...)...)...)
	if err != nil {
		return nil, err
	}
	blocks := strings.Split(strings.TrimSpace(out), "\n\n")
	all := make([]properties, len(names))
	for i := range names {
		if i < len(blocks) {
			all[i] = parseProperties(blocks[i])
		}
	}
	return all, nil
}

// listens reports whether a socket unit holds its socket.
func (p properties) listens() bool {
	return p.is("ActiveState", "active", "reloading")
}

// trigger returns the state of the socket units, or nil if there are none.
func (m *Manager) trigger(ctx context.Context, id platform.ID) *platform.Trigger {
	names := m.sockets(id)
	all, err := m.showSockets(ctx, id.Scope, names)
	if err != nil || len(names) == 0 {
		return nil
	}
	t := &platform.Trigger{Units: names, Listening: true, Enabled: true}
	for i, p := range all {
		t.Listening = t.Listening && p.listens()
		t.Enabled = t.Enabled && p.enabled()
		if p.is("ActiveState", "failed") && t.Failed == "" {
			t.Failed = fmt.Sprintf("%s no longer listens: %s", names[i], p.triggerFailed())
		}
	}
	return t
}

// triggerFailed explains the Result of a socket unit: see socket_result of systemd. A drop-in may have set another limit than
// ours.
func (p properties) triggerFailed() string {
	switch result := p["Result"]; result {
	case "service-start-limit-hit":
		return "the service has failed too often, and connections no longer start it"
	case "trigger-limit-hit":
		burst, interval := triggerBurst, triggerInterval
		if window, ok := readSpan(p["TriggerLimitIntervalUSec"]); ok && p.number("TriggerLimitBurst") > 0 {
			burst, interval = p.number("TriggerLimitBurst"), window
		}
		return fmt.Sprintf("connections have started the service more than %d times within %v", burst, interval)
	case "resources":
		return "systemd could not open the socket; does another process listen there?"
	default:
		return result
	}
}

// onDemand reports whether only a connection starts the service.
func onDemand(sockets []string, p properties) bool { return len(sockets) > 0 && !p.enabled() }

// jobUnits returns the units that a verb acts on: the service, its sockets, or all of them. A
// restart keeps the sockets open, unless one of them does not listen, which systemd refuses to
// change while the service runs.
func (m *Manager) jobUnits(ctx context.Context, verb string, id platform.ID, p properties) (units []string, stopFirst bool) {
	service, sockets := unit(id), m.sockets(id)
	if len(sockets) == 0 || verb == "reload" {
		return []string{service}, false
	}
	all := append(slices.Clone(sockets), service)
	shown, err := m.showSockets(ctx, id.Scope, sockets)
	switch {
	case verb == "stop":
		var known []string // systemctl refuses to stop a unit that does not exist
		for i, p := range shown {
			if !p.is("LoadState", "not-found") {
				known = append(known, sockets[i])
			}
		}
		return append(known, service), false // the stop of the first is that of all: see RenderSockets
	case onDemand(sockets, p) && !p.running():
		return sockets, false
	case verb == "restart":
		if err == nil && slices.ContainsFunc(shown, func(p properties) bool { return !p.listens() }) {
			return all, true
		}
		return []string{service}, false
	case onDemand(sockets, p):
		return sockets, false
	}
	return all, false
}

// triggerOf is trigger for a definition of ours.
func (m *Manager) triggerOf(ctx context.Context, id platform.ID, d *platform.Definition) *platform.Trigger {
	if d == nil || !d.Ours {
		return nil
	}
	return m.trigger(ctx, id)
}
