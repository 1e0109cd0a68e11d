package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A missing alarm command was only noticed when an alarm was to be sent.
func TestCheckLooksForTheCommandOfAlarms(t *testing.T) {
	p := newPlace(t)
	plain := filepath.Join(p.dir, "plain")
	p.put(plain, "no program")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for command, says := range map[string]string{
		filepath.Join(p.dir, "nope"): "is not there",
		plain:                        "cannot be executed",
		p.dir:                        "cannot be executed",
		self:                         "",
	} {
		p.file(fmt.Sprintf("[service.alarm]\ncommand = ['%s']\n", command))
		want := ""
		if says != "" {
			want = fmt.Sprintf("%s:2: service.alarm.command: warning: %s %s: no alarm is delivered this way\n", p.cfg.File, command, says)
		}
		if code, err := p.run("check"); code != 0 || p.out.String() != want {
			t.Errorf("check: %d, %v: %s\nwant %s", code, err, &p.out, want)
		}
		_, _ = p.run("doctor")
		if strings.Contains(p.out.String(), "no alarm is delivered this way") != (says != "") {
			t.Errorf("doctor of %s:\n%s", command, &p.out)
		}
		if _, err := p.run("plan", "--program", "/usr/sbin/feedd"); err != nil || strings.Contains(p.errs.String(), "no alarm is delivered this way") != (says != "") {
			t.Errorf("plan of %s: %v\n%s", command, err, p.errs.String())
		}
	}
}
