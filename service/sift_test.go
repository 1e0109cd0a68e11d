package service_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
)

// All mistakes in the table are reported at once, in the order of lines, whatever their kind.
// The library stops at one value, and at a different one in each call.
func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.toml")
	text := "[service]\numask = '999'\nusr = 'x'\n[service.limits]\nnofile = -5\nmemory = 'lots'\n[service.restart]\npolicy = 'alwas'\ndelay = 'fast'\nwindow = 'slow'\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_, err := service.Config{Name: "feedd", File: path}.Load()
		var lines []int
		for _, e := range service.ConfigErrors(err) {
			lines = append(lines, e.Line)
		}
		if want := []int{2, 3, 5, 6, 8, 9, 10}; len(lines) != len(want) || [7]int(lines) != [7]int(want) {
			t.Fatalf("lines %v, want %v: %v", lines, want, err)
		}
	}
}
