package doctor_test

import (
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/doctor"
)

// documented returns the ids in the package documentation, with their checks.
func documented(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	text := f.Doc.Text()
	_, list, ok := strings.Cut(text, "They are, by check:\n")
	if !ok {
		t.Fatal("no list")
	}
	ids, check := map[string]string{}, ""
	for line := range strings.Lines(list) {
		if name, rest, ok := strings.Cut(line, ":"); ok {
			check, line = strings.TrimSpace(name), rest
		}
		for id := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(", \t\n", r) }) {
			ids[id] = check
		}
	}
	return ids
}

// Ids are promised to scripts: each is documented with its check, none twice, and what a
// rule explains comes behind it.
func TestIDs(t *testing.T) {
	promised := documented(t)
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	var seen []string
	for _, r := range doctor.Rules() {
		if promised[r.ID] != r.Check {
			t.Errorf("%s of %s is documented as of %q", r.ID, r.Check, promised[r.ID])
		}
		if !kebab.MatchString(r.ID) || slices.Contains(seen, r.ID) {
			t.Errorf("%s", r.ID)
		}
		seen = append(seen, r.ID)
	}
	for id := range promised {
		if !slices.Contains(seen, id) {
			t.Errorf("%s is documented, and no rule has it", id)
		}
	}
	for _, r := range doctor.Rules() {
		for _, id := range r.Explains {
			if slices.Index(seen, id) <= slices.Index(seen, r.ID) {
				t.Errorf("%s explains %s, which is no rule or stands before it", r.ID, id)
			}
		}
	}
}
