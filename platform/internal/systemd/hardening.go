package systemd

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A protection is what one switch of platform.Hardening means for systemd.
type protection struct {
	is   platform.Switch
	user bool // a user's systemd can honour it: see "Scopes" in the package comment
	keys []string
}

// protections does not restrict what a service needs. /proc/sys stays visible, so there is no
// ProcSubset=pid: that would hide random/boot_id, a part of every process's identity. The
// network stays, so there is no IPAddressDeny=. Other users' ids stay, so there is no
// PrivateUsers=.
func protections(h platform.Hardening) []protection {
	return []protection{
		{h.NoNewPrivileges, true, []string{"NoNewPrivileges=yes", "RestrictSUIDSGID=yes"}},
		{h.ProtectSystem, false, []string{"ProtectSystem=strict"}},
		{h.ProtectHome, false, []string{"ProtectHome=yes"}},
		{h.PrivateTmp, false, []string{"PrivateTmp=yes"}},
		{h.PrivateDevices, false, []string{"PrivateDevices=yes", "DevicePolicy=closed"}},
		{h.ProtectKernel, false, []string{
			"ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
			"ProtectControlGroups=yes", "ProtectClock=yes", "ProtectHostname=yes",
		}},
		{h.ProtectProc, false, []string{"ProtectProc=invisible"}},
		{h.RestrictNetwork, true, []string{"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"}},
		{h.RestrictSyscalls, true, append(syscalls(h.Capabilities),
			"SystemCallArchitectures=native", "RestrictNamespaces=yes", "RestrictRealtime=yes", "LockPersonality=yes")},
		{h.MemoryDenyWrite, true, []string{"MemoryDenyWriteExecute=yes"}},
	}
}

// syscalls returns an allow list. Other calls fail with EPERM, as for a lack of privilege, and
// do not kill the process. chown is allowed, because programs that rotate or replace files
// call it even if it changes nothing. A retained capability allows the calls that it is for.
func syscalls(capabilities []string) []string {
	allowed := "@chown"
	for _, c := range capabilities {
		if calls := callsOf(c); calls != "" && !strings.Contains(allowed, calls) {
			allowed += " " + calls
		}
	}
	return []string{
		"SystemCallErrorNumber=EPERM",
		"SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "SystemCallFilter=" + allowed,
	}
}

func harden(f *unitFile, u platform.Unit, root bool) {
	h := u.Hardening
	user := u.Scope == platform.ScopeUser
	for _, p := range protections(h) {
		if p.is == platform.Off || user && !p.user {
			continue
		}
		for _, line := range p.keys {
			key, value, _ := strings.Cut(line, "=")
			f.set(key, value)
		}
	}
	if user {
		const no = "%q: is not available for a user service"
		f.RefuseIf(len(h.Capabilities) > 0, "hardening.capabilities", no, h.Capabilities)
		f.RefuseIf(len(h.SupplementaryGroups) > 0, "hardening.supplementary_groups", no, h.SupplementaryGroups)
		return
	}
	f.list("SupplementaryGroups", "hardening.supplementary_groups", h.SupplementaryGroups, account)
	if h.ProtectSystem == platform.On {
		var words []string
		for _, p := range writable(u) {
			word, err := listPath(p)
			if err != nil {
				f.Refuse(pathKey(u, p), "%q: %w", p, err)
				continue
			}
			words = append(words, word)
		}
		if len(words) > 0 {
			f.set("ReadWritePaths", strings.Join(words, " "))
		}
	}
	capabilities(f, h, root)
}

// pathKey returns the key of the setting that contains a writable path.
func pathKey(u platform.Unit, p string) string {
	switch {
	case slices.Contains(u.Hardening.ReadWritePaths, p):
		return "hardening.read_write_paths"
	case p == u.RuntimeDir:
		return "runtime_dir"
	}
	return "state_dir"
}

// writable returns the writable paths outside of the directories that systemd makes.
func writable(u platform.Unit) []string {
	paths := slices.Clone(u.Hardening.ReadWritePaths)
	for _, dir := range []string{u.RuntimeDir, u.StateDir} {
		if dir != "" && !slices.Contains(paths, dir) {
			paths = append(paths, dir)
		}
	}
	return paths
}
