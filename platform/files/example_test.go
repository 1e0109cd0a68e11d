package files_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A file is replaced whole, and durably: whoever reads it sees the old text or the new
// one, also after a power cut. What is read is bounded, and no link is followed.
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
