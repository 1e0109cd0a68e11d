package kardianos_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

var systems = map[string]string{
	"linux-systemd": "systemd", "unix-systemv": "sysv", "linux-openrc": "openrc", "darwin-launchd": "launchd", "windows-service": "scm",
}

// A warning names each ignored option, and the key that was probably meant. An option that
// would be unsafe to ignore is refused by name.
func TestOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		on     string
		change func(*service.Config)
		warns  string
		refuse string
	}{
		"nothing":         {"linux-systemd", func(*service.Config) {}, "", ""},
		"misspelt":        {"linux-systemd", option("LimitNOFiles", 1), "option LimitNOFiles is unknown and has no effect: did you mean LimitNOFILE?", ""},
		"unlike any":      {"linux-systemd", option("Whatever", 1), "option Whatever is unknown and has no effect", ""},
		"wrong type":      {"linux-systemd", option("LogOutput", "yes"), "option LogOutput is a string and has no effect: it has to be a bool", ""},
		"no duration":     {"linux-systemd", option("StopTimeout", "soon"), `option StopTimeout is "soon"`, ""},
		"policy":          {"linux-systemd", option("Restart", "sometimes"), "", "option Restart"},
		"policy of sysv":  {"unix-systemv", option("Restart", "on-abort"), "", "option Restart"},
		"signal":          {"linux-systemd", option("ReloadSignal", "HUP; rm -rf /"), "", "option ReloadSignal"},
		"signal of sysv":  {"unix-systemv", option("ReloadSignal", "HUP; rm -rf /"), "", "option ReloadSignal"},
		"no line":         {"linux-systemd", func(c *service.Config) { c.Dependencies = []string{"Tcpip"} }, `dependency "Tcpip" has no effect`, ""},
		"comments":        {"linux-systemd", func(c *service.Config) { c.Dependencies = []string{"", "# why", "After=a\nWants=b"} }, "", ""},
		"sysv order":      {"unix-systemv", func(c *service.Config) { c.Dependencies = []string{"After=a"} }, "have no effect on unix-systemv", ""},
		"openrc order":    {"linux-openrc", func(c *service.Config) { c.Dependencies = []string{"before x"} }, `dependency "before x" has no effect`, ""},
		"chroot of sysv":  {"unix-systemv", func(c *service.Config) { c.ChRoot = "/srv" }, "", "ChRoot"},
		"windows start":   {"windows-service", option("StartType", "sometimes"), "", "StartType"},
		"windows reboot":  {"windows-service", option("OnFailure", "reboot"), "option OnFailure is reboot", ""},
		"windows desktop": {"windows-service", option("Interactive", true), "Interactive has no effect", ""},
	} {
		c := &service.Config{Name: "feed"}
		tt.change(c)
		warnings, refused := kardianos.Strange(tt.on, systems[tt.on], c)
		got, err := strings.Join(warnings, "\n"), errors.Join(refused...)
		if !strings.Contains(got, tt.warns) || (got == "") != (tt.warns == "") {
			t.Errorf("%s: warned %q", name, got)
		}
		if text := fmt.Sprint(err); (err == nil) != (tt.refuse == "") || !strings.Contains(text, tt.refuse) || err != nil && !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("%s: refused %v", name, err)
		}
	}
}

func option(key string, value any) func(*service.Config) {
	return func(c *service.Config) { c.Option = service.KeyValue{key: value} }
}
