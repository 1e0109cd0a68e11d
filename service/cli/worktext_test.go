package cli_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// The summary of a journal is shown whether or not the service runs. A program without a
// journal shows nothing of it.
func TestStatusOfWork(t *testing.T) {
	p := newPlace(t)
	p.wants("status --json", 3, "")
	if _, there := p.json()["work"]; there {
		t.Error("work of a service without a journal")
	}
	path := p.cfg.StateDir + "/feedd.journal"
	if err := recovery.WriteWork(path, recovery.Work{Begun: 2, Queued: 3, SetAside: 1, Interrupted: 4, Damaged: 5, Term: 7}); err != nil {
		t.Fatal(err)
	}
	p.put(path+".set-aside-20260102T120000-0", "x")
	p.wants("status --json", 3, "")
	work, _ := p.json()["work"].(map[string]any)
	if work["begun"] != 2.0 || work["queued"] != 3.0 || work["set_aside"] != 1.0 || work["interrupted"] != 4.0 || work["damaged"] != 5.0 || work["term"] != 7.0 {
		t.Errorf("%v", work)
	}
	for _, text := range []string{
		"work  2 under way when it ended, 3 waiting", "1 piece of work was set aside after too many crashes: `work list`",
		"4 pieces of work were interrupted and not run again by itself", "5 entries", "was set aside: " + p.cfg.StateDir,
	} {
		p.wants("status", 3, text)
	}
	running(p)
	p.writes(feedd, platform.PhaseReady, nil)
	p.wants("status", 0, "work  2 under way, 3 waiting")
	if err := recovery.WriteWork(path, recovery.Work{Refused: "it is \x1b[31mnewer"}); err != nil {
		t.Fatal(err)
	}
	p.wants("status", 0, "none is run again: it is")
	if strings.Contains(p.out.String(), "\x1b[31mnewer") {
		t.Error("a terminal is told what the file has")
	}
	p.put(path+".json", "{")
	p.wants("status", 0, "what the journal says of itself")
}
