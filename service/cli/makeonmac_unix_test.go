//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/state"
)

// On macOS an account is created record by record, with an unused number. A purge removes only
// what was created.
func TestIssue11_CreateUserOnMacOS(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("launchd wants property lists of root's")
	}
	for name, tt := range map[string]struct {
		there, group  string // records that are there, the group that is asked for
		user, members string // what is made
		record, left  string
	}{
		"none there":         {"", "", "UniqueID=499\nPrimaryGroupID=499\n", "PrimaryGroupID=499\n", "feed feed", ""},
		"numbers taken":      {"users/a=UniqueID=499 groups/b=PrimaryGroupID=498", "", "UniqueID=497\nPrimaryGroupID=497\n", "PrimaryGroupID=497\n", "feed feed", "groups/b users/a"},
		"a group of its own": {"", "feeders", "UniqueID=499\nPrimaryGroupID=499\n", "PrimaryGroupID=499\n", "feed feeders", ""},
		"the group there":    {"groups/feed=PrimaryGroupID=77", "", "UniqueID=499\nPrimaryGroupID=77\n", "PrimaryGroupID=77\n", "feed ", "groups/feed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, filepath.Join(t.TempDir(), "m"), "launchd", noon)
			if err := s.empty(); err != nil {
				t.Fatal(err)
			}
			for record := range strings.FieldsSeq(tt.there) {
				path, text, _ := strings.Cut(record, "=")
				if err := s.put("/fake/"+path, text+"\n"); err != nil {
					t.Fatal(err)
				}
			}
			s.p.cfg.Group = tt.group
			for range 2 {
				if err := s.run("install --program /opt/new --user feed --create-user"); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.Contains(s.p.out.String(), "nothing has changed") {
				t.Errorf("again: %s", &s.p.out)
			}
			group := "feed"
			if tt.group != "" {
				group = tt.group
			}
			user := s.content("/fake/users/feed")
			if !strings.HasPrefix(user, tt.user) || !strings.HasPrefix(s.content("/fake/groups/"+group), tt.members) {
				t.Errorf("made\n%s\nand\n%s", user, s.content("/fake/groups/"+group))
			}
			for _, want := range []string{"UserShell=/usr/bin/false\n", "NFSHomeDirectory=/var/empty\n", "IsHidden=1\n", "Password=*\n"} {
				if !strings.Contains(user, want) {
					t.Errorf("it lacks %s", want)
				}
			}
			m, err := state.ReadManifest(s.manifest())
			if got := m.Account.User + " " + m.Account.Group; err != nil || got != tt.record {
				t.Errorf("recorded %q, %v", got, err)
			}
			if err := s.run("uninstall --purge"); err != nil {
				t.Fatal(err)
			}
			left, _ := filepath.Glob(s.root + "/fake/[ug]*s/*")
			for i := range left {
				left[i] = strings.TrimPrefix(left[i], s.root+"/fake/")
			}
			if got := strings.Join(left, " "); got != tt.left {
				t.Errorf("left %q, want %q", got, tt.left)
			}
		})
	}
	s := newStage(t, filepath.Join(t.TempDir(), "m"), "launchd", noon)
	if err := s.empty(); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("/usr/bin/dscl"); err != nil {
		t.Fatal(err)
	}
	if err := s.run("install --program /opt/new --user feed --create-user"); err == nil || !strings.Contains(err.Error(), "there is no /usr/bin/dscl here") {
		t.Error(err)
	}
}
