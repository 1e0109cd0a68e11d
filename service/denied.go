package service

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform"
)

// A deniedError is a failure that the hardening of the service may have caused.
type deniedError struct {
	error
	hint string
}

func (e *deniedError) Error() string { return e.error.Error() + " (" + e.hint + ")" }
func (e *deniedError) Unwrap() error { return e.error }

// Retryable wraps err so that the service exits with code 1, whatever err wraps, and its
// manager restarts it as the restart policy says. Without it an fs.ErrPermission, for example,
// means code 77, after which managers do not restart the service because the next run would
// end the same way. Use it if the missing thing may appear by itself. Retryable(nil) is nil.
func Retryable(err error) error {
	if err == nil {
		return nil
	}
	return &retryableError{err}
}

type retryableError struct{ error }

func (e *retryableError) Unwrap() error { return e.error }

// denied adds to err the hardening switch or missing capability that may be the cause. It
// returns err unchanged unless systemd started the process, since no other manager enforces
// the hardening.
func (l *life) denied(err error) error {
	if err == nil || l.host.Name() != "systemd" {
		return err
	}
	if hint := denial(err, l.cfg, l.cfg.Scope == platform.ScopeUser, os.Geteuid() == 0); hint != "" {
		return &deniedError{err, hint}
	}
	return err
}

// denial returns a hint at the hardening setting that may have caused err, or "" if err is no
// denial or no setting can be the cause.
func denial(err error, c *Config, user, root bool) string {
	h := c.Hardening
	on := func(s platform.Switch) bool { return s == platform.On }
	call := callOf(err)
	var network *net.OpError
	var file *fs.PathError
	switch {
	case errors.Is(err, syscall.EAFNOSUPPORT) && on(h.RestrictNetwork):
		return "restrict_network allows IPv4, IPv6, netlink and unix sockets only: [service.hardening] restrict_network = false"
	case errors.Is(err, syscall.ENOSYS) && on(h.RestrictSyscalls):
		return "restrict_syscalls may deny that system call: [service.hardening] restrict_syscalls = false"
	case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS):
		return "" // EACCES and EPERM are fs.ErrPermission
	case errors.As(err, &network) && privileged(network) && !keeps(h, "CAP_NET_BIND_SERVICE", root):
		return needs("CAP_NET_BIND_SERVICE", "a port below 1024", user)
	case call == "socket" && !keeps(h, "CAP_NET_RAW", root):
		return needs("CAP_NET_RAW", "a raw socket", user)
	case (call == "mmap" || call == "mprotect") && on(h.MemoryDenyWrite):
		return "memory_deny_write_execute forbids memory that is both writable and executable: [service.hardening] memory_deny_write_execute = false"
	case errors.As(err, &file) && !user:
		if hint := deniedPath(path.Clean(file.Path), h, errors.Is(err, syscall.EROFS)); hint != "" {
			return hint
		}
	}
	if errors.Is(err, syscall.EPERM) && call != "" && on(h.RestrictSyscalls) {
		return "restrict_syscalls may deny that system call: [service.hardening] restrict_syscalls = false"
	}
	return ""
}

// deniedPath is denial for a path that the hardening hides or makes read-only.
func deniedPath(name string, h Hardening, readOnly bool) string {
	below := func(dirs ...string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
	}
	switch {
	case below("/home", "/root", "/run/user") && h.ProtectHome == platform.On:
		return "protect_home hides home directories: [service.hardening] protect_home = false, or move it elsewhere"
	case below("/dev") && h.PrivateDevices == platform.On:
		return "private_devices hides physical devices: [service.hardening] private_devices = false"
	case below("/proc/sys", "/sys") && h.ProtectKernel == platform.On:
		return "protect_kernel makes tunables read-only: [service.hardening] protect_kernel = false"
	case readOnly && h.ProtectSystem == platform.On:
		return fmt.Sprintf("protect_system lets it write only to its own directories: [service.hardening] read_write_paths = [%q]", path.Dir(name))
	}
	return ""
}

// callOf returns the name of the system call that failed, if err has it.
func callOf(err error) string {
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return call.Syscall
	}
	return ""
}

// privileged reports whether err is about listening on a port that needs a capability.
func privileged(err *net.OpError) bool {
	port := 0
	switch a := err.Addr.(type) {
	case *net.TCPAddr:
		port = a.Port
	case *net.UDPAddr:
		port = a.Port
	}
	return err.Op == "listen" && port > 0 && port < 1024
}

// keeps reports whether the service has the capability.
func keeps(h Hardening, capability string, root bool) bool {
	return slices.Contains(h.Capabilities, capability) || root && slices.Contains(h.Capabilities, "all")
}

func needs(capability, what string, user bool) string {
	text := fmt.Sprintf("%s needs %s", what, capability)
	if user {
		return text + ", which a user service cannot have"
	}
	return fmt.Sprintf("%s: [service.hardening] capabilities = [%q]", text, capability)
}
