package port_test

import (
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/port"
)

func TestFree(t *testing.T) {
	const n = 50
	ports, err := port.Free(n)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if got := slices.Compact(slices.Clone(ports)); len(got) != n {
		t.Fatalf("%d different ports: %d", len(got), ports)
	}
	for _, p := range ports {
		l, err := net.Listen("tcp", port.Local(p))
		if err != nil {
			t.Error(err)
			continue
		}
		_ = l.Close()
	}
}

// A test failed if the system gave its port to another process before its server had begun.
func TestTheSystemGivesThemToNobody(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows which ports it chooses")
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	from, _ := strconv.Atoi(strings.Fields(string(text))[0])
	if from < 32768 {
		t.Skipf("this machine chooses ports from %d on", from)
	}
	address, err := port.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(p); err != nil || n >= from {
		t.Errorf("the system may give the port %s to others: it chooses from %d on", p, from)
	}
}
