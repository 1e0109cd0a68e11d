package cli_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// File names of the service's user cannot move the cursor of root's terminal, or imitate a
// line of ours, when root purges.
func TestIssue9_C_NamesOfFilesBringNoEscapes(t *testing.T) {
	for want, names := range map[string][]string{
		"a, b c":                                {"a", "b c"},
		`x, "\x1b]0;PWNED\a\n- remove \x1b[2J"`: {"x", "\x1b]0;PWNED\a\n- remove \x1b[2J"},
		`"\xff"`:                                {"\xff"},
		"1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more": {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"},
	} {
		if got := cli.Enumerate(names); got != want {
			t.Errorf("%q: %s", names, got)
		}
	}
}
