package policy_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown matches a part of a page that shows a file: a comment with the path of the file from
// the top of the checkout, and the block after it.
var shown = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```(\\w*)\n(.*?)```\n")

// A page that shows a file has the content of that file. -update writes it.
func TestPagesShowTheirFiles(t *testing.T) {
	found := 0
	for name, text := range pages(t) {
		want := shown.ReplaceAllStringFunc(text, func(block string) string {
			found++
			part := shown.FindStringSubmatch(block)
			content, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(part[1])))
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("<!-- file: %s -->\n```%s\n%s```\n", part[1], part[2], strings.ReplaceAll(string(content), "\r\n", "\n"))
		})
		switch {
		case want == text:
		case *update:
			if err := os.WriteFile(filepath.Join("../..", name), []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s does not show its files as they are: go test ./test/policy -update", name)
		}
	}
	if found == 0 {
		t.Error("no page shows a file")
	}
}

// link matches a link to a file of the checkout, and to a heading in it.
var link = regexp.MustCompile(`\]\(([^)#:\s]*)(#[^)\s]*)?\)`)

// Links between pages lead to existing files and headings.
func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			target := name
			if l[1] != "" {
				target = path.Join(path.Dir(name), l[1])
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: leads to %s: %v", name, l[0], err)
				continue
			}
			if l[2] != "" && !strings.Contains(anchors(all[target]), l[2]+"\n") {
				t.Errorf("%s: %s has no heading %s", name, target, l[2])
			}
		}
	}
}

// anchors returns the headings of a page in the form that links use.
func anchors(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			heading = regexp.MustCompile(`[^a-z0-9_ -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			b.WriteString("#" + strings.ReplaceAll(heading, " ", "-") + "\n")
		}
	}
	return b.String()
}

// pages returns the texts of the checkout for people, by their path from its top.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != ".", entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		all[name] = strings.ReplaceAll(string(text), "\r\n", "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every test that the track record names exists.
func TestTheTrackRecordNamesTests(t *testing.T) {
	rows := 0
	name := regexp.MustCompile("`(Test\\w+)`")
	folder := regexp.MustCompile("\\| `([a-z/]+)` \\|\n$")
	for line := range strings.Lines(pages(t)["docs/track-record.md"]) {
		in := folder.FindStringSubmatch(line)
		if in == nil {
			continue
		}
		rows++
		files, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(in[1]), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var tests strings.Builder
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
		for _, test := range name.FindAllStringSubmatch(line, -1) {
			if !strings.Contains(tests.String(), "\nfunc "+test[1]+"(") {
				t.Errorf("there is no %s in %s", test[1], in[1])
			}
		}
	}
	if rows < 10 {
		t.Errorf("found only %d rows", rows)
	}
}
