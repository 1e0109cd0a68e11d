package logsink_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "feedd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "feedd.log")
	sink, err := logsink.Open("feedd", logsink.Options{Sink: "file", File: path, Format: "json"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sink.Slog().Info("fetched", "items", 3)
	if err := sink.Flush(context.Background()); err != nil { // nobody else waits for the disk
		fmt.Println(err)
	}
	if err := sink.Close(); err != nil {
		fmt.Println(err)
	}
	text, err := os.ReadFile(path)
	fmt.Println(strings.Contains(string(text), `"items":3`), err)
	// Output: true <nil>
}
