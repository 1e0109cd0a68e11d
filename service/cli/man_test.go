package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// Text that troff would take for a request, an escape or another character is escaped.
func TestManualSaysWhatWasSaid(t *testing.T) {
	dir := t.TempDir()
	description := `.so /etc/passwd with a \ and a - in it`
	if _, err := command(t, service.Config{Name: "feedd", Description: description}, "man", dir); err != nil {
		t.Fatal(err)
	}
	read := func(page string) string {
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("feedd.8")
	for _, want := range []string{
		".TH FEEDD 8\n",
		".SH DESCRIPTION\n\\&.so /etc/passwd with a \\e and a \\- in it\n",
		".TP\n\\fB\\-\\-config\\fP \\fIFILE\\fP\nconfiguration FILE\n",
		"(default: auto)\n",
		"\\fBfeedd\\-status\\fP(8)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("feedd.8 does not have %q:\n%s", want, page)
		}
	}
	if page := read("feedd-status.8"); !strings.Contains(page, "feedd\\-status \\- Show") || !strings.Contains(page, "\\-\\-json") ||
		!strings.Contains(page, ".SH OPTIONS OF ALL COMMANDS\n") {
		t.Errorf("feedd-status.8:\n%s", page)
	}
	if _, err := os.Stat(filepath.Join(dir, "feedd-await.8")); err == nil {
		t.Error("a hidden command has a page")
	}
	if page := read("feedd-completion.8"); !strings.Contains(page, ".nf\n") {
		t.Errorf("examples are filled:\n%s", page)
	}
}

// The flags of all commands are shown only with commands to which they mean something.
func TestFlagsAreShownWhereTheyMeanSomething(t *testing.T) {
	dir := t.TempDir()
	if _, err := command(t, service.Config{Name: "feedd"}, "man", dir); err != nil {
		t.Fatal(err)
	}
	tree := cli.Command(service.Config{Name: "feedd"}, nil)
	for _, x := range []struct {
		name string
		want bool
	}{{"status", true}, {"version", false}, {"completion", false}, {"man", false}, {"start", true}} {
		help, err := drive(t, tree, x.name, "--help")
		if err != nil || strings.Contains(help, "--runtime-dir DIR") != x.want || strings.Contains(help, "Configuration in force") != x.want {
			t.Errorf("%v; want %v in the help of %s:\n%s", err, x.want, x.name, help)
		}
		page, err := os.ReadFile(filepath.Join(dir, "feedd-"+x.name+".8"))
		if err != nil || strings.Contains(string(page), "\\-\\-runtime\\-dir") != x.want {
			t.Errorf("%v; want %v in the page of %s:\n%s", err, x.want, x.name, page)
		}
	}
}

// mandoc's only finding in the pages is the missing date: the same source gives the same
// pages.
func TestManualPassesMandoc(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("no mandoc (Debian: apt-get install mandoc)")
	}
	dir := t.TempDir()
	if _, err := command(t, service.Config{Name: "feedd"}, "man", dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.8"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages; %v", len(pages), err)
	}
	said, _ := exec.CommandContext(t.Context(), "mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput() //nolint:gosec // our own pages
	dates := 0
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "missing date") {
			dates++
			continue
		}
		t.Error(line)
	}
	if dates != len(pages) {
		t.Errorf("mandoc has read %d of %d pages", dates, len(pages))
	}
}
