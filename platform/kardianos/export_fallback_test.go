package kardianos

import (
	"path/filepath"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
)

// FallbackOn returns a Fallback for a simulated machine, with this library and the notes in
// dir.
func FallbackOn(sys platform.System, library service.System, dir string) platform.Fallback {
	f := newFallback(sys)
	for _, m := range f.managers {
		m.library = library
		m.record = func(id platform.ID) (string, error) { return filepath.Join(dir, id.String()+".fallback"), nil }
		m.permitted = func() bool { return true }
		m.arguments = func(int) []string { return nil }
	}
	return f
}

// Unprivileged makes f run without root's rights.
func Unprivileged(f platform.Fallback) {
	if f, ok := f.(fallback); ok {
		for _, m := range f.managers {
			m.permitted = func() bool { return false }
		}
	}
}

// RenderLibrary renders a template of the library itself.
func RenderLibrary(text string, values map[string]any) (string, error) {
	return render(text, values, pipes)
}
