package systemd

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// examined has the properties for [Manager.Examine].
const examined = "LoadState,LoadError,NeedDaemonReload,TimeoutStopUSec,MemoryCurrent,MemoryMax,TasksCurrent,TasksMax"

var _ platform.Examiner = (*Manager)(nil)

// Examine runs one `systemctl show`, and looks for scripts of other managers.
func (m *Manager) Examine(ctx context.Context, id platform.ID) (platform.Examination, error) {
	if err := room.CheckID(id); err != nil {
		return platform.Examination{}, err
	}
	out, err := room.Ask(ctx, m.sys, systemctl(id.Scope, "show", "--property="+examined, unit(id))...)
	if err != nil {
		return platform.Examination{}, m.failed(ctx, "examine", id, unanswered(id, err))
	}
	p := parseProperties(out)
	e := platform.Examination{Unread: p.is("NeedDaemonReload", "yes"), Own: m.mends(id)}
	e.KillAfter, _ = readSpan(p["TimeoutStopUSec"]) // readSpan fails for "infinity", which means never
	switch state := p["LoadState"]; state {
	case "bad-setting", "error":
		e.Broken = strings.TrimSpace(fmt.Sprintf("%s %s", state, p["LoadError"]))
	}
	for what, key := range map[string]string{"memory": "Memory", "tasks": "Tasks"} {
		used, errUsed := strconv.ParseUint(p[key+"Current"], 10, 64)
		most, errMost := strconv.ParseUint(p[key+"Max"], 10, 64)
		if errUsed == nil && errMost == nil && most < 1<<63 { // without a limit it is "infinity", "[not set]" or the greatest number
			e.Uses = append(e.Uses, platform.Use{What: what, Used: used, Max: most})
		}
	}
	if sockets, err := m.showSockets(ctx, id.Scope, m.sockets(id)); err == nil {
		for _, s := range sockets {
			e.Unread = e.Unread || s.is("NeedDaemonReload", "yes")
		}
	}
	if id.Scope == platform.ScopeSystem {
		e.Leftovers = m.scripts(id)
	}
	return e, nil
}

func (m *Manager) mends(id platform.ID) map[string]string {
	argv := func(args ...string) string {
		words := []string{"systemctl"}
		if id.Scope == platform.ScopeUser {
			words = append(words, "--user")
		}
		return strings.Join(append(words, args...), " ")
	}
	mends := map[string]string{
		platform.MendEnable: argv("enable", unit(id)), platform.MendAllow: argv("unmask", unit(id)), platform.MendReread: argv("daemon-reload"),
	}
	if m.o.User != "" {
		mends[platform.MendLogin] = "loginctl enable-linger " + m.o.User
	}
	return mends
}

// scripts returns init scripts with the service's name, which the unit hides. Since systemd
// 260 nothing reads them at all.
func (m *Manager) scripts(id platform.ID) []platform.Leftover {
	file := path.Join("/etc/init.d", id.String())
	content, err := m.sys.ReadFile(file)
	if err != nil || !m.exists(path.Join(systemUnits, unit(id))) {
		return nil
	}
	return []platform.Leftover{{
		Path: file, Ours: bytes.Contains(content, []byte(mark)), Remove: "rm " + file,
		Why: "systemd starts the service by its unit, and another init would start it by this script",
	}}
}
