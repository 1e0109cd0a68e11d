package kardianos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	holdfast "github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// The timeouts of the library's services on systemd: a stop has 90 s, and so has a start.
const (
	usualStart = 90 * time.Second
	usualStop  = 90*time.Second - platform.StopMargin
)

// A translation turns the library's Config into one of holdfast.
type translation struct {
	options
	holdfast.Config
	of      *adoptee
	strange []string // warnings about settings that are ignored, or almost
	refused []error
}

func (t *translation) note(format string, args ...any) {
	t.strange = append(t.strange, fmt.Sprintf(format, args...))
}

func (t *translation) refuse(format string, args ...any) {
	t.refused = append(t.refused, fmt.Errorf("%w: "+format, append([]any{platform.ErrBadUnit}, args...)...))
}

// settings returns the service's Config as one of holdfast, and the translation with its
// warnings.
func (s *adoptee) settings() (holdfast.Config, *translation) {
	c, o := s.config, s.options()
	t := &translation{of: s, options: o, strange: o.strange()}
	_, reloads := s.program.(Reloader)
	t.Config = holdfast.Config{
		Name: c.Name, DisplayName: oneLine(c.DisplayName), Description: oneLine(c.Description), Scope: s.id().Scope,
		Env: maps.Clone(c.EnvVars), User: c.UserName, WorkingDirectory: c.WorkingDirectory, Umask: "0022",
		StartTimeout: o.duration(startTimeout, usualStart), StopTimeout: o.duration(stopTimeout, usualStop),
		Log: logsink.Options{Level: "warn"}, AsRoot: true,
		Guest: &holdfast.Guest{
			Exec: slices.Clone(c.Arguments), Way: []string{"/usr/bin/env", variable + "=" + c.Name},
			Singleton: o.flag(singleton), Reloads: reloads && o.text("ReloadSignal") == "",
		},
	}
	if !o.flag(hardening) {
		t.Hardening = unhardened(c.UserName)
	}
	if t.Scope == platform.ScopeUser { // a user has no capabilities to keep
		t.Hardening.Capabilities = nil
	}
	if n := o.number("LimitNOFILE", -1); n > 0 {
		t.Limits.NoFile = uint64(n)
	}
	switch s.system.manager {
	case "systemd":
		t.systemd()
	case "sysv":
		t.sysv()
	case "openrc":
		t.openrc()
	case "launchd":
		t.launchd()
	case "scm":
		t.scm()
	}
	return t.Config, t
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// unhardened returns a Hardening with everything off.
func unhardened(user string) holdfast.Hardening {
	const off = holdfast.Off
	h := holdfast.Hardening{
		NoNewPrivileges: off, ProtectSystem: off, ProtectHome: off, PrivateTmp: off, PrivateDevices: off, ProtectKernel: off,
		ProtectProc: off, RestrictNetwork: off, RestrictSyscalls: off, MemoryDenyWrite: off,
	}
	if user == "" || user == "root" {
		h.Capabilities = []string{"all"}
	}
	return h
}

// none warns about options that are for other systems and whose absence would be noticed.
func (t *translation) none(keys ...string) {
	for _, key := range keys {
		if _, there := t.options[key]; there {
			t.note("option %s has no effect on %s", key, t.of.system.String())
		}
	}
}

// unfit refuses what the machine's manager cannot do and a service would be unsafe without.
func (t *translation) unfit(what string, there bool) {
	if there {
		t.refuse("%s does not exist on %s: leave it out", what, t.of.system.String())
	}
}
