package kardianos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// showChange shows, line by line, what an install changes in the definition at path.
func (s *adoptee) showChange(ctx context.Context, m platform.Manager, path string, steps []platform.Step) {
	if r, is := m.(platform.Registry); is {
		for _, step := range steps {
			if before, definition := r.Registered(ctx, s.id(), step); definition {
				fmt.Fprintf(os.Stderr, "%s: %s changes:\n%s", s.config.Name, path, difference(indented(before), indented(step.Payload)))
			}
		}
		return
	}
	step := s.definitionOf(steps)
	before, err := native.System{}.ReadFile(path)
	if step == nil || err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %s changes:\n%s", s.config.Name, path, difference(string(before), string(step.Content)))
}

// indented returns a registration with one field per line.
func indented(registration any) string {
	text, err := json.MarshalIndent(registration, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// difference returns the lines of a that are not in b, and those of b that are not in a, in
// order.
func difference(a, b string) string {
	from, to := strings.Split(strings.TrimSuffix(a, "\n"), "\n"), strings.Split(strings.TrimSuffix(b, "\n"), "\n")
	common := make([][]int, len(from)+1) // length of the longest common subsequence of from[i:] and to[j:]
	for i := range common {
		common[i] = make([]int, len(to)+1)
	}
	for i := len(from) - 1; i >= 0; i-- {
		for j := len(to) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if from[i] == to[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(from) || j < len(to); {
		switch {
		case i < len(from) && j < len(to) && from[i] == to[j]:
			i, j = i+1, j+1
		case i < len(from) && (j == len(to) || common[i+1][j] >= common[i][j+1]):
			fmt.Fprintf(&out, "  -%s\n", from[i])
			i++
		default:
			fmt.Fprintf(&out, "  +%s\n", to[j])
			j++
		}
	}
	return out.String()
}
