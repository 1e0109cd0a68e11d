package main_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	classic "github.com/holdfast-dev/holdfast/examples/kardianos"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "classic" {
		classic.Main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The programs before and after differ in one import and one line, as the page says.
func TestOneLine(t *testing.T) {
	code := func(path string) []string {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(strings.ReplaceAll(string(content), "\r\n", "\n"), "\npackage main\n")
		return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return line == "" })
	}
	added := []string{"\t\"github.com/holdfast-dev/holdfast/platform/kardianos\"", "\tkardianos.Adopt()"}
	before, after := code("before/main.go"), code("main.go")
	rest := slices.DeleteFunc(slices.Clone(after), func(line string) bool { return slices.Contains(added, line) })
	if len(after) != len(before)+len(added) || !slices.Equal(rest, before) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range added {
		if !strings.Contains(string(page), "    +"+line+"\n") {
			t.Errorf("the page does not show %q", line)
		}
	}
}
