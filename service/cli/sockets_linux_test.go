package cli_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// check names the process that listens where the service is to listen.
func TestCheckNamesWhoListens(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // its sockets have no inode
	l, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPlace(t)
	p.file(fmt.Sprintf("[service]\n[[service.socket]]\nname = \"web\"\nlisten = \"tcp:127.0.0.1:0\"\n[[service.socket]]\nname = \"api\"\nlisten = \"tcp:%s\"\n", l.Addr()))
	err = p.runOn(t.Context(), anywhere(p), "check")
	want := fmt.Sprintf("%s:7: service.socket.2.listen: process %d (", p.cfg.File, os.Getpid())
	if code := cli.ExitCode(err); code != platform.ExitBadConfig || !strings.Contains(p.out.String(), want) || !strings.Contains(p.out.String(), "listens at tcp:"+l.Addr().String()+" already") {
		t.Errorf("exit code %d, %v\n%s\nwant %s", code, err, &p.out, want)
	}
	t.Setenv("HOLDFAST_LENDER", "1") // in the script of a restart
	if err := p.runOn(t.Context(), anywhere(p), "check"); err != nil {
		t.Errorf("in a restart: %v\n%s", err, &p.out)
	}
	t.Setenv("HOLDFAST_LENDER", "")
	_ = l.Close()
	if err := p.runOn(t.Context(), anywhere(p), "check"); err != nil {
		t.Errorf("%v\n%s", err, &p.out)
	}
}

// install, start and restart name it as well, before they do anything.
func TestInstallAndStartNameWhoListens(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // its sockets have no inode
	l, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPlace(t)
	p.file(fmt.Sprintf("[[service.socket]]\nname = \"api\"\nlisten = \"tcp:%s\"\n", l.Addr()))
	says := fmt.Sprintf("%s:3: service.socket.1.listen: process %d (", p.cfg.File, os.Getpid())
	for _, line := range []string{"install --program /opt/feedd", "install --program /opt/feedd --start", "start", "restart"} {
		p.wants(line, platform.ExitBadConfig, says)
		p.wants(line, platform.ExitBadConfig, "listens at tcp:"+l.Addr().String()+" already")
	}
	_ = l.Close()
	p.wants("install --program /opt/feedd", 0, "feedd is installed (fake)", "install")
}

// systemd keeps sockets for other services as well, so it does not tell whose a socket is that
// another process has, too, or whose it is at all before the service is installed.
func TestCheckNamesAnotherServiceOfSystemd(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // its sockets have no inode
	l, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "systemd") // the name that it has in ps(1)
	if err := os.Symlink(own, file); err != nil {
		t.Fatal(err)
	}
	systemd := exec.CommandContext(t.Context(), file)
	systemd.Env = append(os.Environ(), roleVariable+"=sleeps")
	systemd.ExtraFiles = []*os.File{f}
	if err := systemd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = systemd.Process.Kill(); _ = systemd.Wait() })
	_ = f.Close()

	p := newPlace(t)
	p.file(fmt.Sprintf("[[service.socket]]\nname = \"api\"\nlisten = \"tcp:%s\"\n", l.Addr()))
	p.wants("start", platform.ExitBadConfig, fmt.Sprintf("process %d (", os.Getpid()))
	_ = l.Close()
	p.wants("install --program /opt/feedd", 0, "feedd is installed (fake)", "install") // it may be the service's own
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	p.wants("install --program /opt/feedd", platform.ExitBadConfig, fmt.Sprintf("process %d (systemd) listens at tcp:", systemd.Process.Pid))
}
