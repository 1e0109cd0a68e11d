package sysv_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRender(t *testing.T) {
	everything := initdtest.Everything()
	everything.Exec = append(everything.Exec[:9:9], append([]string{"line\nbreak"}, everything.Exec[9:]...)...)
	everything.Supervise = true
	everything.Sockets = []platform.Socket{{Name: "api", Listen: "tcp::80"}}
	for name, u := range map[string]platform.Unit{"defaults": initdtest.Feedd(), "everything": everything} {
		t.Run(name, func(t *testing.T) {
			script, err := sysv.Render(u)
			if err != nil {
				t.Fatal(err)
			}
			initdtest.Golden(t, name+".init", script, *update)
		})
	}
}

// insserv ignores names that look like leftovers.
func TestRefusedNames(t *testing.T) {
	for _, name := range []string{"feedd.bak", "feedd.old", "feedd.dpkg-old", "feedd.rpmsave", "feedd.core"} {
		u := initdtest.Feedd()
		u.Name = name
		if _, err := sysv.Render(u); !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), "insserv") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
