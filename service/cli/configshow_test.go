package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// shown is a program with a secret, and something that is none.
type shown struct{ feeder }

func (*shown) Tables() map[string]any {
	return map[string]any{"feed": &struct {
		URL   string `toml:"url"`
		Token string `toml:"token"`
		Depth int    `toml:"depth" show:"true"`
	}{URL: "http://localhost", Depth: 3}}
}

// The configuration in force, each value with where it comes from, and no secrets
// (issue 10).
func TestIssue10_ConfigShow(t *testing.T) {
	p := newPlace(t)
	p.prog = &shown{}
	p.cfg.Description = "Feeds"
	p.file("[service]\nuser = 'alice'\nenv = {PASSWORD = 'geheim'}\n[service.restart]\ndelay = '3s'\n[feed]\ntoken = 'geheim'\ndepth = 7\n")
	p.wants("install --program /usr/sbin/feedd --user bob", 0, "", "install")
	file := filepath.ToSlash(p.cfg.File)
	p.wants("config show", 0, "# configuration: "+file)
	said := filepath.ToSlash(p.out.String())
	for _, line := range []string{
		`service.description = "Feeds"  # program`,
		`service.user = "bob"  # command line`,
		`service.env = (not shown)  # ` + file + ":3",
		`service.restart.delay = "3s"  # ` + file + ":5",
		`feed.url = "http://localhost"  # program`,
		`feed.token = (not shown)  # ` + file + ":7",
		`feed.depth = 7  # ` + file + ":8",
	} {
		if !strings.Contains(said, line+"\n") {
			t.Errorf("there is no %q in\n%s", line, said)
		}
	}
	if strings.Contains(said, "geheim") || strings.Contains(said, "stop_timeout") {
		t.Errorf("it shows a secret, or a default:\n%s", said)
	}
	p.wants("config show --all", 0, `service.stop_timeout = "30s"  # default`)
	p.wants("config show --json", 0, `"settings": [`)
	if all := p.json(); all["file"] != p.cfg.File || strings.Contains(p.out.String(), "geheim") {
		t.Errorf("got %s", &p.out)
	}
	p.cfg.File = ""
	p.wants("config show --no-such", platform.ExitUsage, "")
	p.file(badKey)
	p.wants("config show", platform.ExitBadConfig, "stop_timout")
}
