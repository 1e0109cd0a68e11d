package platform_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

func TestSocketAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"tcp:127.0.0.1:8080":                "tcp 127.0.0.1:8080",
		"tcp::8080":                         "tcp :8080",
		"tcp:[::1]:8080":                    "tcp [::1]:8080",
		"tcp:[::]:80":                       "tcp [::]:80",
		"tcp:[fe80::1%eth0]:80":             "tcp [fe80::1%eth0]:80",
		"tcp:[::ffff:10.0.0.1]:80":          "tcp 10.0.0.1:80",
		"udp:0.0.0.0:53":                    "udp 0.0.0.0:53",
		"tcp:127.0.0.1:0":                   "tcp 127.0.0.1:0",
		"unix:/run/feedd/api.sock":          "unix /run/feedd/api.sock",
		"unix:@feedd":                       "unix @feedd",
		"":                                  `write "tcp:HOST:PORT"`,
		"8080":                              `write "tcp:HOST:PORT"`,
		"tcp6:[::1]:80":                     `write "tcp:HOST:PORT"`,
		"tcp:8080":                          `"tcp:8080" has no port`,
		"tcp:localhost:80":                  `"localhost" is not an IP address`,
		"tcp:::1:80":                        "write an IPv6 address in brackets: [::1]:80",
		"tcp:[::1:80":                       "write an IPv6 address in brackets",
		"tcp:127.0.0.1:http":                `"http" is not a port`,
		"tcp:127.0.0.1:65536":               `"65536" is not a port`,
		"tcp:127.0.0.1:-1":                  `"-1" is not a port`,
		"unix:":                             "neither an absolute path",
		"unix:api.sock":                     "neither an absolute path",
		"unix:/run/../api.sock":             "neither an absolute path",
		"unix:/":                            "neither an absolute path",
		"unix:@":                            "neither an absolute path",
		"unix:/a\x00b":                      "contains a NUL",
		"unix:/" + strings.Repeat("x", 107): "has 108 bytes, and the path of a unix socket 107 at most",
	} {
		a, err := platform.Socket{Name: "api", Listen: listen}.Address()
		got := a.Network + " " + a.Dial()
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", listen, got, want)
		}
		if again, e := (platform.Socket{Name: "api", Listen: a.String()}).Address(); err == nil && (e != nil || again != a) {
			t.Errorf("%q: %s becomes %s, %v", listen, a, again, e)
		}
	}
}

func FuzzSocketAddress(f *testing.F) {
	f.Add("tcp:[::1]:80")
	f.Add("unix:/run/x")
	f.Fuzz(func(t *testing.T, listen string) {
		a, err := platform.Socket{Listen: listen}.Address()
		if err != nil {
			return
		}
		if again, err := (platform.Socket{Listen: a.String()}).Address(); err != nil || again != a {
			t.Errorf("%q: %v becomes %v, %v", listen, a, again, err)
		}
	})
}

// A problem is reported with the key of the one socket, and with the name of that socket.
func TestCheckSockets(t *testing.T) {
	at := func(listen string) platform.Socket { return platform.Socket{Name: "api", Listen: listen} }
	with := func(s platform.Socket, change func(*platform.Socket)) []platform.Socket {
		change(&s)
		return []platform.Socket{s}
	}
	const tcp, file = "tcp:127.0.0.1:80", "unix:/run/a"
	for name, tt := range map[string]struct {
		sockets []platform.Socket
		want    string // "": nothing is wrong
	}{
		"fine":            {[]platform.Socket{at(tcp), {Name: "b", Listen: file, Mode: "0666", Owner: "a", Group: "b"}}, ""},
		"chosen ports":    {[]platform.Socket{at("tcp:127.0.0.1:0"), {Name: "b", Listen: "tcp:127.0.0.1:0"}}, ""},
		"all of IPv6":     {with(at("tcp::80"), func(s *platform.Socket) { s.IPv6Only, s.ReusePort, s.FreeBind, s.KeepAlive = true, true, true, -1 }), ""},
		"no name":         {[]platform.Socket{{Listen: tcp}}, "1.name: the name is empty"},
		"a bad name":      {[]platform.Socket{{Name: "a:b", Listen: tcp}}, "1.name: name \"a:b\""},
		"twice the name":  {[]platform.Socket{at(tcp), at(file)}, `2.name: there are two sockets "api"`},
		"twice the place": {[]platform.Socket{at(tcp), {Name: "b", Listen: tcp}}, `2.listen: tcp:127.0.0.1:80 is where "api" listens`},
		"nowhere":         {[]platform.Socket{at("")}, "1.listen: "},
		"mode of tcp":     {with(at(tcp), func(s *platform.Socket) { s.Mode = "0600" }), `1.mode: "api" listens on tcp:127.0.0.1:80: that is only for a unix socket with a file`},
		"owner of a name": {with(at("unix:@a"), func(s *platform.Socket) { s.Owner = "a" }), "1.owner: "},
		"bad mode":        {with(at(file), func(s *platform.Socket) { s.Mode = "rw" }), "1.mode: \"rw\" is not an octal mode"},
		"no mode":         {with(at(file), func(s *platform.Socket) { s.Mode = "1777" }), "1.mode: "},
		"backlog of udp":  {with(at("udp::53"), func(s *platform.Socket) { s.Backlog = 5 }), "1.backlog: "},
		"less than none":  {with(at(tcp), func(s *platform.Socket) { s.Backlog = -5 }), "1.backlog: -5 is negative"},
		"keep unix alive": {with(at(file), func(s *platform.Socket) { s.KeepAlive = time.Second }), "1.keep_alive: "},
		"too often":       {with(at(tcp), func(s *platform.Socket) { s.KeepAlive = time.Millisecond }), "1.keep_alive: less than a second"},
		"IPv4 alone":      {with(at(tcp), func(s *platform.Socket) { s.IPv6Only = true }), "1.ipv6_only: "},
		"a shared file":   {with(at(file), func(s *platform.Socket) { s.ReusePort = true }), "1.reuse_port: "},
		"a free file":     {with(at(file), func(s *platform.Socket) { s.FreeBind = true }), "1.freebind: "},
	} {
		var all []string
		platform.CheckSockets(tt.sockets, func(key string, err error) { all = append(all, fmt.Sprintf("%s: %v", key, err)) })
		switch {
		case tt.want == "" && len(all) == 0:
		case tt.want == "" || len(all) != 1 || !strings.HasPrefix(all[0], tt.want):
			t.Errorf("%s: %q, want %q", name, all, tt.want)
		}
	}
}
