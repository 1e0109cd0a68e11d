package cli_test

import (
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// systemd expands ${NAME}, and a word that is $NAME. The conductor would get another file than
// the one that was named.
func TestIssue11_SystemdPutsNoVariablesIntoTheConductorsWords(t *testing.T) {
	argv := []string{"/opt/${HOME}/feedd", "upgrade", "--config=/etc/${HOME}.toml", "--", "$PATH", "/srv/$$/feedd"}
	want := []string{"--", "/opt/${HOME}/feedd", "upgrade", "--config=/etc/$${HOME}.toml", "--", "$$PATH", "/srv/$$$$/feedd"}
	got := cli.AsUnit(platform.ScopeUser, "u1", argv)
	if i := slices.Index(got, "--"); i < 0 || !slices.Equal(got[i:], want) || !slices.Contains(got[:i], "--user") {
		t.Errorf("got %q", got)
	}
}
