package room

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Before returns the path of the backup of a definition file that was taken over.
func Before(file string) string { return file + ".before-holdfast" }

// Link returns the target of the link at file, or "" if file is not a link.
func Link(ctx context.Context, sys platform.System, file string) string {
	out, err := Ask(ctx, sys, "readlink", file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// Keep returns the steps that back up a file which is about to be replaced. It refuses to
// overwrite an earlier backup.
func Keep(sys platform.System, file string) ([]platform.Step, error) {
	if _, err := sys.Stat(Before(file)); err == nil {
		return nil, fmt.Errorf("%s exists already, from an earlier --adopt: move it away: %w", Before(file), platform.ErrPermission)
	}
	content, err := sys.ReadFile(file)
	if err != nil {
		return nil, err
	}
	// It is not executable, so nobody mistakes it for another script.
	return []platform.Step{{Kind: platform.StepWriteFile, Describe: "keep the previous definition for uninstall", Path: Before(file), Mode: 0o644, Content: content}}, nil
}

// PutBack returns the steps that restore the backup of a definition file, or remove the file
// if there is no backup. back reports whether a backup is restored.
func PutBack(sys platform.System, what, file string, mode fs.FileMode) (steps []platform.Step, back bool, err error) {
	content, err := sys.ReadFile(Before(file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []platform.Step{{Kind: platform.StepRemoveFile, Describe: "remove " + what, Path: file}}, false, nil
	case err != nil:
		return nil, false, err
	}
	return []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "put back the previous definition " + what, Path: file, Mode: mode, Content: content},
		{Kind: platform.StepRemoveFile, Describe: "remove the kept copy", Path: Before(file)},
	}, true, nil
}

// Keys returns the names that lines of the form name=value set, each once, in order.
func Keys(content string) []string {
	var keys []string
	for line := range strings.Lines(content) {
		key, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		key = strings.TrimSpace(key)
		if ok && key != "" && !strings.ContainsAny(key, "#;[ \t\"'$") && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
