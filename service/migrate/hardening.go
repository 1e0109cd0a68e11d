package migrate

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/service"
)

// A protection has the systemd directives of one switch of service.Hardening. A test compares
// them with the unit that holdfast writes.
type protection struct {
	of   func(*service.Hardening) *service.Switch
	keys []string
}

func protections() []protection {
	type h = service.Hardening
	return []protection{
		{func(h *h) *service.Switch { return &h.NoNewPrivileges }, []string{"NoNewPrivileges=yes", "RestrictSUIDSGID=yes"}},
		{func(h *h) *service.Switch { return &h.ProtectSystem }, []string{"ProtectSystem=strict"}},
		{func(h *h) *service.Switch { return &h.ProtectHome }, []string{"ProtectHome=yes"}},
		{func(h *h) *service.Switch { return &h.PrivateTmp }, []string{"PrivateTmp=yes"}},
		{func(h *h) *service.Switch { return &h.PrivateDevices }, []string{"PrivateDevices=yes", "DevicePolicy=closed"}},
		{func(h *h) *service.Switch { return &h.ProtectKernel }, []string{
			"ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
			"ProtectControlGroups=yes", "ProtectClock=yes", "ProtectHostname=yes",
		}},
		{func(h *h) *service.Switch { return &h.ProtectProc }, []string{"ProtectProc=invisible"}},
		{func(h *h) *service.Switch { return &h.RestrictNetwork }, []string{"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"}},
		{func(h *h) *service.Switch { return &h.RestrictSyscalls }, []string{
			"SystemCallErrorNumber=EPERM", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "SystemCallFilter=@chown",
			"SystemCallArchitectures=native", "RestrictNamespaces=yes", "RestrictRealtime=yes", "LockPersonality=yes",
		}},
		{func(h *h) *service.Switch { return &h.MemoryDenyWrite }, []string{"MemoryDenyWriteExecute=yes"}},
	}
}

// hardening turns on a switch if the unit has all of its lines. Lines of other switches stay
// in systemd.extra.
func (r *unitReader) hardening() {
	for _, p := range protections() {
		wanted := map[string][]string{}
		for _, line := range p.keys {
			key, value, _ := strings.Cut(line, "=")
			wanted[key] = append(wanted[key], value)
		}
		has := true
		for key, values := range wanted {
			has = has && slices.EqualFunc(r.lists[key], values, func(have, want string) bool {
				return same(have, want) || want == "@chown" && strings.HasPrefix(have, "@chown ") // and the exception for a capability
			})
		}
		if has {
			*p.of(&r.c.Hardening) = service.On
			for key := range wanted {
				r.lists[key] = nil
			}
		}
	}
	r.capabilities()
}

// same reports whether two values mean the same. The order in a list does not matter, and
// there are several words for true.
func same(a, b string) bool {
	sorted := func(s string) []string {
		fields := strings.Fields(s)
		slices.Sort(fields)
		return fields
	}
	if b == "yes" && slices.Contains([]string{"true", "on", "1", "yes"}, strings.ToLower(a)) {
		return true
	}
	return slices.Equal(sorted(a), sorted(b))
}

// everyCapability is the bounding set of a unit that does not set one.
const everyCapability = "CapabilityBoundingSet=~"

// capabilities reads the capabilities. For root, a bounding set is a limit. Other users have
// only the ambient capabilities, within that limit.
func (r *unitReader) capabilities() {
	h, c := &r.c.Hardening, r.c
	bounding, ambient := r.fields("CapabilityBoundingSet"), r.fields("AmbientCapabilities")
	inverted := slices.ContainsFunc(append(slices.Clone(bounding), ambient...), func(word string) bool { return strings.HasPrefix(word, "~") })
	_, bounded := r.set["CapabilityBoundingSet"]
	user := r.set["User"]
	root := user == "" || user == "root" || user == "0"
	switch {
	case root && !bounded && len(ambient) == 0:
		h.Capabilities = []string{"all"}
	case root && !inverted && len(ambient) == 0:
		h.Capabilities = bounding
	case root:
		h.Capabilities = []string{"all"}
		r.extra("CapabilityBoundingSet")
		r.extra("AmbientCapabilities")
	case !inverted && bounded && slices.Equal(bounding, ambient):
		h.Capabilities = ambient
	case !inverted && !bounded:
		h.Capabilities = ambient
		c.Systemd.Extra = append(c.Systemd.Extra, everyCapability)
	default:
		h.Capabilities = nil
		r.extra("CapabilityBoundingSet")
		r.extra("AmbientCapabilities")
	}
}
