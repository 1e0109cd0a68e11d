package cli_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// check and start name the process that listens where the service is to listen.
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
