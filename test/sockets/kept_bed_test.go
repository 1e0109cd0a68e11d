//go:build linux

package sockets_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// stored compares the number of descriptors that systemd keeps, after systemd has read its
// messages.
func (s *stage) stored(manager, want string) {
	s.t.Helper()
	if manager != "systemd" {
		return
	}
	wait.Until(s.t, "systemd keeps "+want+" descriptors", func() bool { return s.property("web", "NFileDescriptorStore") == want }, s.log)
}

// A file of Runtime.Keep is still there after a restart, a kill and an upgrade, and is gone
// after a stop. A file that the program no longer takes is closed. The service has no sockets.
func TestKeptFile(t *testing.T) {
	t.Parallel()
	for _, manager := range []string{"systemd", "sysv", "openrc"} {
		bed.Each(t, manager, func(t *testing.T, b *bed.Bed) {
			s := newStage(t, b)
			s.put("counts", "/usr/local/bin/web")
			count := func(want string) {
				t.Helper()
				if got := s.must("/usr/local/lib/agent ask tcp:127.0.0.1:8082"); got != want {
					t.Errorf("it counts %s, want %s\n%s", got, want, s.log())
				}
			}
			s.install(config)
			count("1")
			s.stored(manager, "1")
			s.must("web restart")
			count("2")
			s.kill()
			count("3")
			s.kill()
			count("4")
			s.upgrade("counts", 0)
			count("5")
			s.upgrade("fails", rolledBack)
			s.ready()
			count("6")
			s.stored(manager, "1")

			s.must("web stop && web start")
			count("1")
			s.upgrade("forgets", 0)
			s.stored(manager, "0")
			wait.Until(t, "it is told", func() bool {
				return strings.Contains(s.must("web logs -n 200"), "the program did not take a file that was kept for it")
			}, s.log)
			s.upgrade("counts", 0)
			count("1")
			s.must("web uninstall --purge")
		})
	}
}

// Everybody closes a socket whose address is no longer in the configuration.
func TestNoLongerConfigured(t *testing.T) {
	t.Parallel()
	for _, manager := range []string{"systemd", "sysv"} {
		bed.Each(t, manager, func(t *testing.T, b *bed.Bed) {
			s := newStage(t, b)
			s.install(config + sockets)
			s.answered("tcp:127.0.0.1:8080", adminPlace)
			s.stored(manager, "2")
			closed := func(place string) {
				t.Helper()
				wait.Until(t, place+" is closed", func() bool {
					answered, said := s.ask(place)
					return !answered && strings.Contains(said, "refused")
				}, s.log)
			}
			configure := func(text string) {
				t.Helper()
				if err := b.Write("/etc/web/web.toml", []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				s.must("web restart")
			}
			configure(config + strings.Replace(sockets, "8080", "8090", 1))
			s.answered("tcp:127.0.0.1:8090", adminPlace)
			closed("tcp:127.0.0.1:8080")
			s.stored(manager, "2")

			s.put("one", "/usr/local/bin/one")
			s.must("mv /usr/local/bin/one /usr/local/bin/web")
			web, _, _ := strings.Cut(strings.TrimPrefix(sockets, "\n"), "\n\n")
			configure(config + web + "\n")
			s.answered("tcp:127.0.0.1:8080")
			closed("tcp:127.0.0.1:8090")
			closed(adminPlace)
			s.stored(manager, "1")
			s.must("web uninstall --purge")
		})
	}
}
