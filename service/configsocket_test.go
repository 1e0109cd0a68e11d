package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

func TestSocketsOfTheFile(t *testing.T) {
	c, err := service.Config{Name: "feedd", File: write(t, `
[[service.socket]]
name = "api"
listen = "tcp:127.0.0.1:8080"
backlog = 100
keep_alive = "30s"
reuse_port = true
freebind = true

[[service.socket]]
name = "admin"
listen = "unix:/run/feedd/admin.sock"
mode = "0600"
owner = "feed"
group = "feed"
`)}.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Socket{
		{Name: "api", Listen: "tcp:127.0.0.1:8080", Backlog: 100, KeepAlive: 30 * time.Second, ReusePort: true, FreeBind: true},
		{Name: "admin", Listen: "unix:/run/feedd/admin.sock", Mode: "0600", Owner: "feed", Group: "feed"},
	}
	if len(c.Sockets) != 2 || c.Sockets[0] != want[0] || c.Sockets[1] != want[1] {
		t.Errorf("got %+v", c.Sockets)
	}
}

// A mistake in one of several sockets is reported with that socket and its line.
func TestBadSocketsOfTheFile(t *testing.T) {
	const first = "[[service.socket]]\nname = \"api\"\nlisten = \"tcp::80\"\n"
	for text, want := range map[string]string{
		"[[service.socket]]\nname = \"b\"\nlisten = \"tcp:80\"\n":                   `:6: service.socket.2.listen: "tcp:80" has no port`,
		"\n[[service.socket]]\nname = \"b\"\n":                                      `:5: service.socket.2.listen: "": write "tcp:HOST:PORT"`,
		"[[service.socket]]\nname = \"api\"\nlisten = \"tcp::81\"\n":                `:5: service.socket.2.name: there are two sockets "api"`,
		"[[service.socket]]\nname = \"b\"\nlistn = \"tcp::81\"\n":                   `:6: service.socket.listn: unknown: did you mean "listen"?`,
		"[[service.socket]]\nname = \"b\"\nlisten = \"tcp::81\"\nkeep_alive = 30\n": `:7: service.socket.2.keep_alive: less than a second`,
		"[[service.socket]]\nname = \"b\"\nlisten = 81\n":                           `:6: service.socket.listen: `,
	} {
		path := write(t, first+text)
		_, err := service.Config{Name: "feedd", File: path}.Load()
		if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), path+want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// The list of sockets in the file replaces that in code completely.
func TestSocketsOfTheFileReplaceTheCodes(t *testing.T) {
	code := service.Config{Name: "feedd", Sockets: []service.Socket{{Name: "api", Listen: "unix:/run/a", Mode: "0600"}, {Name: "b", Listen: "tcp::1"}}}
	code.File = write(t, "[[service.socket]]\nname = \"api\"\nlisten = \"tcp::2\"\n")
	if c, err := code.Load(); err != nil || len(c.Sockets) != 1 || c.Sockets[0] != (service.Socket{Name: "api", Listen: "tcp::2"}) {
		t.Errorf("%+v, %v", c.Sockets, err)
	}
	code.File = write(t, "[service]\n")
	if c, err := code.Load(); err != nil || len(c.Sockets) != 2 || c.Sockets[0] != code.Sockets[0] {
		t.Errorf("%+v, %v", c.Sockets, err)
	}
}
