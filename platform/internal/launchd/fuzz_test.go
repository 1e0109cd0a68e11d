package launchd_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// Any output of launchctl, and any content of the property list, leads to an answer or an
// error. A file without the mark never counts as ours.
func FuzzAnswers(f *testing.F) {
	content, err := render(feedd())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(running.out, string(content), "\t\"feedd\" => disabled\n")
	f.Add("\tpid = -1\n\truns = 99999999999999999999\n", "bplist00", "\"feedd\" => \n")
	f.Add("\tlast terminating signal = : -9\n\tlast exit code = 0x: 1\n", "<plist><dict><key>Holdfast</key>", " => ")
	f.Add("\tlast terminating signal = Killed: 9\r\n\tstate = SIG\n", "(a, b)", "")
	f.Add("\tpid = 7: x\n", "{Holdfast = {}; ProgramArguments = ();}", "\x00")
	f.Fuzz(func(t *testing.T, printed, file, disabled string) {
		sys := &machine{files: map[string]string{feeddFile: file}, answers: map[string][]answer{
			printFeedd: {{out: printed}}, "launchctl print-disabled system": {{out: disabled}},
		}}
		m := manager(sys)
		st, err := m.Status(t.Context(), feeddID)
		if err != nil || st.PID < 0 || st.Restarts < 0 || st.Definition == nil {
			t.Errorf("%+v, %v", st, err)
		}
		if _, err := m.Removal(t.Context(), feeddID); err == nil && !strings.Contains(file, "Holdfast") && !strings.HasPrefix(file, "bplist") {
			t.Error("it would remove what is not ours")
		} else if err != nil && !errors.Is(err, platform.ErrPermission) {
			t.Error(err)
		}
		m.Logs(feeddID, 1, false)
	})
}
