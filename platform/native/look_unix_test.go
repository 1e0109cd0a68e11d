//go:build unix

package native_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// counts returns a command that adds a line to a file and prints how many lines it has. With
// code, the command then fails.
func counts(t *testing.T, code string) []string {
	t.Helper()
	return []string{"sh", "-c", `echo >>"$1"; wc -l <"$1"; exit ` + code, "sh", filepath.Join(t.TempDir(), "lines")}
}

func TestALookHasOneAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"0", "3"} {
		argv := counts(t, code)
		ask := func(ctx context.Context, want string) {
			t.Helper()
			out, err := native.System{}.Run(ctx, argv...)
			failed, ok := errors.AsType[*platform.CommandError](err)
			if strings.TrimSpace(out) != want || (code == "0") != (err == nil) || ok && failed.Code != 3 {
				t.Errorf("code %s: got %q, %v, want %s", code, out, err, want)
			}
		}
		look := native.Look(t.Context())
		ask(look, "1")
		ask(look, "1")
		ask(native.Look(look), "1") // the same look
		ask(t.Context(), "2")       // no look
		ask(look, "1")
		ask(native.Look(t.Context()), "3")
		native.LookAnew(t.Context()) // no look
		ask(look, "1")
		native.LookAnew(look)
		ask(look, "4")
		ask(look, "4")
	}
}

// What a look has given up, it asks again.
func TestALookAsksAgainWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	look, argv := native.Look(t.Context()), counts(t, "0")
	ended, end := context.WithCancel(look)
	end()
	if out, err := (native.System{}).Run(ended, argv...); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %q, %v", out, err)
	}
	if out, err := (native.System{}).Run(look, argv...); err != nil || strings.TrimSpace(out) != "1" {
		t.Errorf("got %q, %v", out, err)
	}
}

// A link is read without a process, with the answers of the command.
func TestIssue16_ALinkIsReadWithoutAProcess(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := errors.Join(os.Symlink("gone/there", link), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for path, want := range map[string]string{link: "gone/there\n", file: "", filepath.Join(dir, "none"): ""} {
		out, err := native.System{}.Run(t.Context(), "readlink", path)
		failed, ok := errors.AsType[*platform.CommandError](err)
		if out != want || (err == nil) != (path == link) || ok && failed.Code != 1 {
			t.Errorf("%s: got %q, %v", path, out, err)
		}
	}
}
