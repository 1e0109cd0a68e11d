package policy_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the listings in testdata")

// systems are the systems that listings distinguish.
var systems = []string{"linux", "windows", "darwin", "freebsd"}

// listing is a text with lines for each system. Most lines are those of all systems.
func listing(bySystem map[string][]string) []string {
	of := map[string][]string{}
	for _, goos := range systems {
		for _, line := range bySystem[goos] {
			if !slices.Contains(of[line], goos) {
				of[line] = append(of[line], goos)
			}
		}
	}
	var all []string
	for line, where := range of {
		if len(where) < len(bySystem) {
			line += "  (" + strings.Join(where, ", ") + ")"
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

// checkListing compares a listing with the one that is checked in, or replaces it with
// -update.
func checkListing(t *testing.T, name string, got []string, advice string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")), "\n")
	if changes := differences(want, got); len(changes) > 0 {
		t.Errorf("%s\n%s\nIf that is meant: go test ./test/policy -update", strings.Join(changes, "\n"), advice)
	}
}

// differences returns the missing lines, with a minus, and the new ones.
func differences(want, got []string) (changes []string) {
	for _, line := range want {
		if !slices.Contains(got, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			changes = append(changes, "+ "+line)
		}
	}
	return changes
}
