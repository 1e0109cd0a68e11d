package files_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A file is replaced completely and durably: readers see either the old or the new text, even
// after a power failure. Reading has a limit, and follows no link.
func ExampleReplace() {
	dir, err := os.MkdirTemp("", "feedd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "cursor")
	for _, text := range []string{"page 1", "page 2"} {
		if err := files.Replace(path, []byte(text), 0o600, true); err != nil {
			fmt.Println(err)
		}
	}
	content, _, err := files.Read(path, 100)
	fmt.Println(string(content), err)
	// Output: page 2 <nil>
}
