package policy_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinkedPackages keeps small programs small. What the smallest program links is a promise,
// too: only the programs that use heavy packages (a client of HTTP, a journal, a web hook)
// link them.
func TestLinkedPackages(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go here to ask")
	}
	bySystem := map[string][]string{}
	for _, goos := range systems {
		bySystem[goos] = linked(t, goos, "./examples/minimal")
		if n := len(bySystem[goos]); n < 50 {
			t.Fatalf("only %d packages for %s", n, goos)
		}
	}
	checkListing(t, "links.txt", listing(bySystem),
		"examples/minimal, the smallest program, links other packages than it did; each one more (+) is paid for by every user.")
}

// linked lists what a program links, without the internal packages of the standard library,
// which change with each version of Go.
func linked(t *testing.T, goos, program string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", program)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%q: %v\n%s", cmd.Args, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Fields(string(out)), ofTheStandardLibraryAlone)
}

func ofTheStandardLibraryAlone(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".") && (first == "vendor" || slices.Contains(strings.Split(pkg, "/"), "internal"))
}

// The command line is heavier than package service. If the smallest program linked it, the
// listing would show that.
func TestLinkedPackagesTellsOfOneMore(t *testing.T) {
	small := listing(map[string][]string{"linux": {"fmt", "os", "syscall"}, "windows": {"fmt", "os"}})
	if got := strings.Join(small, "; "); got != "fmt; os; syscall  (linux)" {
		t.Errorf("listed as %q", got)
	}
	big := listing(map[string][]string{"linux": {"fmt", "os", "syscall"}, "windows": {"fmt", "net/http"}})
	want := "- os; + net/http  (windows); + os  (linux)"
	if got := strings.Join(differences(small, big), "; "); got != want {
		t.Errorf("differences are %q, want %q", got, want)
	}
	for pkg, alone := range map[string]bool{
		"net/http": false, "internal/poll": true, "net/http/internal": true, "vendor/golang.org/x/net/idna": true,
		"golang.org/x/sys/internal/unsafeheader": false, "github.com/holdfast-dev/holdfast/platform/internal/scm": false,
	} {
		if ofTheStandardLibraryAlone(pkg) != alone {
			t.Errorf("%s: want %v", pkg, alone)
		}
	}
}
