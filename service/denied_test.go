package service_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A denial comes with the switch or capability that may be the cause, if that is in force, and
// without a hint otherwise.
func TestIssue10_6_DenialsNameTheSwitch(t *testing.T) {
	listen := func(port int, errno error) error {
		return fmt.Errorf("serve: %w", &net.OpError{Op: "listen", Net: "tcp", Addr: &net.TCPAddr{Port: port}, Err: os.NewSyscallError("bind", errno)})
	}
	open := func(path string, errno error) error { return &fs.PathError{Op: "open", Path: path, Err: errno} }
	off := func(change func(*service.Hardening)) (h service.Hardening) { change(&h); return h }
	for name, tt := range map[string]struct {
		err  error
		h    service.Hardening
		user bool
		says string
	}{
		"port 80":                {listen(80, syscall.EACCES), service.Hardening{}, false, `capabilities = ["CAP_NET_BIND_SERVICE"]`},
		"port 80, of a user":     {listen(80, syscall.EACCES), service.Hardening{}, true, "a user service cannot have"},
		"port 80, permitted":     {listen(80, syscall.EACCES), service.Hardening{Capabilities: []string{"CAP_NET_BIND_SERVICE"}}, false, ""},
		"port 8080":              {listen(8080, syscall.EACCES), service.Hardening{}, false, ""},
		"port in use":            {listen(80, syscall.EADDRINUSE), service.Hardening{}, false, ""},
		"home":                   {open("/home/ann/x", syscall.EACCES), service.Hardening{}, false, "protect_home = false"},
		"home, not protected":    {open("/home/ann/x", syscall.EACCES), off(func(h *service.Hardening) { h.ProtectHome = service.Off }), false, ""},
		"home, of a user":        {open("/home/ann/x", syscall.EACCES), service.Hardening{}, true, ""},
		"homeward":               {open("/homeward/x", syscall.EACCES), service.Hardening{}, false, ""},
		"a write outside":        {open("/srv/data/x", syscall.EROFS), service.Hardening{}, false, `read_write_paths = ["/srv/data"]`},
		"a write, not protected": {open("/srv/data/x", syscall.EROFS), off(func(h *service.Hardening) { h.ProtectSystem = service.Off }), false, ""},
		"a tunable":              {open("/proc/sys/vm/x", syscall.EROFS), service.Hardening{}, false, "protect_kernel"},
		"a device":               {open("/dev/sda", syscall.EPERM), service.Hardening{}, false, "private_devices"},
		"plain permissions":      {open("/srv/data/x", syscall.EACCES), service.Hardening{}, false, ""},
		"executable memory":      {os.NewSyscallError("mmap", syscall.EPERM), service.Hardening{}, false, "memory_deny_write_execute = false"},
		"a raw socket":           {os.NewSyscallError("socket", syscall.EPERM), service.Hardening{}, false, "CAP_NET_RAW"},
		"a packet socket":        {os.NewSyscallError("socket", syscall.EAFNOSUPPORT), service.Hardening{}, false, "restrict_network = false"},
		"no such call":           {os.NewSyscallError("keyctl", syscall.ENOSYS), service.Hardening{}, false, "restrict_syscalls = false"},
		"a filtered call":        {os.NewSyscallError("reboot", syscall.EPERM), service.Hardening{}, false, "restrict_syscalls = false"},
		"no denial":              {errors.New("bad port"), service.Hardening{}, false, ""},
	} {
		got := service.Denial(tt.err, &service.Config{Hardening: tt.h}, tt.user, false)
		if (got == "") != (tt.says == "") || !strings.Contains(got, tt.says) {
			t.Errorf("%s: got %q, want %q", name, got, tt.says)
		}
	}
}

// A program can say that a denial is not permanent.
func TestIssue10_6_RetryableIsNotForGood(t *testing.T) {
	denied := fmt.Errorf("mount is not there yet: %w", fs.ErrPermission)
	if code := service.ExitCode(denied); code != platform.ExitNotPermitted {
		t.Errorf("exit code %d", code)
	}
	again := fmt.Errorf("start: %w", service.Retryable(denied))
	if code := service.ExitCode(again); code != platform.ExitFailed || !errors.Is(again, fs.ErrPermission) || again.Error() != "start: "+denied.Error() {
		t.Errorf("exit code %d, %v", code, again)
	}
	if service.Retryable(nil) != nil {
		t.Error("nil is an error")
	}
}
