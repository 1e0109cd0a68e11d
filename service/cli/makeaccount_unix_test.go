//go:build unix

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A user is created on request if it does not exist. Only a purge removes it, and only if we
// created it.
func TestIssue11_CreateUser(t *testing.T) {
	made := func(s *stage) string {
		var all []string
		for _, path := range []string{"/fake/users/feed", "/fake/groups/feed", "/fake/groups/feeders"} {
			if s.exists(path) {
				all = append(all, strings.TrimPrefix(path, "/fake/"))
			}
		}
		return strings.Join(all, " ")
	}
	for name, tt := range map[string]struct {
		there, args, made, record, purged string
	}{
		"none there":        {"", "", "users/feed groups/feed", "feed feed", ""},
		"the user there":    {"users/feed groups/feed", "", "users/feed groups/feed", "", "users/feed groups/feed"},
		"the group there":   {"groups/feed", "", "users/feed groups/feed", "feed", ""},
		"without the purge": {"", "keep", "users/feed groups/feed", "feed feed", "users/feed groups/feed"},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "m")
			s := newStage(t, root, "systemd", noon)
			if err := s.empty(); err != nil {
				t.Fatal(err)
			}
			for path := range strings.FieldsSeq(tt.there) {
				if err := s.put("/fake/"+path, ""); err != nil {
					t.Fatal(err)
				}
			}
			if tt.there == "" {
				if err := s.run("install --program /opt/new --user feed"); err == nil || !strings.Contains(err.Error(), "there is no user") {
					t.Errorf("unasked: %v", err)
				}
			}
			for range 2 {
				if err := s.run("install --program /opt/new --user feed --create-user"); err != nil {
					t.Fatal(err)
				}
			}
			m, err := state.ReadManifest(s.manifest())
			if got := strings.TrimSpace(m.Account.User + " " + m.Account.Group); err != nil || got != tt.record || made(s) != tt.made {
				t.Errorf("recorded %q, %v; there is %q", got, err, made(s))
			}
			args := "uninstall --purge"
			if tt.args == "keep" {
				args = "uninstall"
			}
			if err := s.run(args); err != nil {
				t.Fatal(err)
			}
			if tt.there == "groups/feed" {
				return // who removes the user removes his group
			}
			if made(s) != tt.purged {
				t.Errorf("left: %q", made(s))
			}
		})
	}
}

// If no user can be created, the error says why.
func TestIssue11_CreateUserThatCannotBe(t *testing.T) {
	p := newPlace(t)
	p.wants("install --program /opt/feedd --user feed --create-user", platform.ExitUsage, "a user's service runs as that user")
	p.m.name = "scm"
	p.wants("install --program /opt/feedd --user feed --create-user", platform.ExitUsage, "Windows already has an account for each service")
	s := newStage(t, filepath.Join(t.TempDir(), "m"), "systemd", noon)
	if err := s.empty(); err != nil {
		t.Fatal(err)
	}
	if err := s.run("install --program /opt/new --create-user"); err == nil || !strings.Contains(err.Error(), "give --user NAME") {
		t.Error(err)
	}
	for _, tool := range []string{"/usr/sbin/groupdel", "/usr/sbin/groupadd"} {
		if err := s.Remove(tool); err != nil {
			t.Fatal(err)
		}
		err := s.run("install --program /opt/new --user feed --create-user")
		if err == nil || !strings.Contains(err.Error(), "there is no "+filepath.Base(tool)+" here: create the group feed yourself") || s.exists("/fake/users/feed") {
			t.Error(err)
		}
	}
	if err := s.put("/fake/groups/feed", ""); err != nil { // what is there need not be made
		t.Fatal(err)
	}
	if err := s.run("install --program /opt/new --user feed --create-user"); err != nil {
		t.Error(err)
	}
	if err := s.run("uninstall --purge"); err != nil || s.exists("/fake/users/feed") {
		t.Error(err)
	}
	if err := s.RemoveAll("/usr/sbin"); err != nil {
		t.Fatal(err)
	}
	if err := s.run("install --program /opt/new --user feed --create-user"); err == nil || !strings.Contains(err.Error(), "neither useradd nor adduser") {
		t.Error(err)
	}
}
