package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// copyMode lets everybody run the copy, as the service's user must. Only its owner, who is
// whoever installs, can replace it.
const copyMode fs.FileMode = 0o755

// where returns the path of the program on the target, a note about it, and the steps that
// bring the program there.
func (a *app) where(t *target, f installFlags) (program, note string, first []platform.Step, err error) {
	switch {
	case f.copyTo != "" && (f.program != "" || a.elsewhere()):
		return "", "", nil, usage("--copy-to copies this program on this machine: it cannot be used with --program or another machine's manager")
	case f.copyTo != "":
		program, step, err := t.copyTo(f.copyTo)
		t.source, t.copied = step.Source, program
		return program, "", []platform.Step{step}, err
	case f.program == "":
		program, note, err = t.ownProgram()
		return program, note, nil, err
	case !platform.AbsoluteAnywhere(f.program):
		return "", "", nil, usage("--program %q is not an absolute path on the machine that runs it", f.program)
	}
	return f.program, "", nil, nil
}

// copyTo returns the step that copies this program into a directory where only root and the
// caller can replace it.
func (m machine) copyTo(dir string) (string, platform.Step, error) {
	refuse := func(err error) (string, platform.Step, error) {
		return "", platform.Step{}, fmt.Errorf("--copy-to %s: %w", dir, err)
	}
	image, err := m.image()
	if err != nil {
		return "", platform.Step{}, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return refuse(err)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(fmt.Errorf("%w: create it first (install -d -m 0755 %s)", err, quoted(dir)))
	case err == nil && !info.IsDir():
		return refuse(errors.New("it is not a directory"))
	case err != nil:
		return refuse(err)
	}
	path := filepath.Join(dir, filepath.Base(image))
	there, err := os.Lstat(path)
	switch {
	case err == nil && !there.Mode().IsRegular():
		return refuse(fmt.Errorf("%s is not a regular file: %w: remove it, or choose another directory", path, files.ErrUntrusted))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return refuse(err)
	}
	reason := unsafePath(dir)
	if reason == "" {
		reason = plantable(dir)
	}
	if reason != "" {
		return refuse(fmt.Errorf("%w: %s", files.ErrUntrusted, reason))
	}
	if err := files.CheckDir(dir); err != nil {
		return refuse(err)
	}
	return path, platform.Step{
		Kind: platform.StepCopyFile, Describe: fmt.Sprintf("copy the program from %s to %s", image, path), Source: image, Path: path, Mode: copyMode,
	}, nil
}

// wayOut returns err. If only the place of the program or of the configuration is at fault, it
// adds the command that installs nevertheless.
func (a *app) wayOut(ctx context.Context, cmd *cobra.Command, t *target, f installFlags, err error) error {
	if f.program != "" || f.copyTo != "" || a.elsewhere() || filepath.Separator != '/' || !errors.Is(err, platform.ErrBadUnit) {
		return err
	}
	image, e := t.image()
	if e != nil {
		return err
	}
	const bin = "/usr/local/bin"
	id := t.id.String()
	etc := filepath.Join("/etc", id, id+".toml")
	for _, file := range []string{t.cfg.File, etc} {
		cfg := t.cfg
		cfg.File = file
		u, e := cfg.Unit(filepath.Join(bin, filepath.Base(image)), t.id.Scope)
		if e == nil {
			_, e = t.manager.Plan(ctx, u)
		}
		if e != nil {
			continue
		}
		if file == t.cfg.File {
			return fmt.Errorf("%w\ninstall a copy: %s", err, a.again(cmd, "", bin))
		}
		move := fmt.Sprintf("install -D -m 0644 %s %s", quoted(t.cfg.File), etc)
		return fmt.Errorf("%w\ninstall copies: %s && %s", err, move, a.again(cmd, etc, bin))
	}
	return err
}

// again returns the command as it was typed, with --copy-to and perhaps another file.
func (a *app) again(cmd *cobra.Command, file, dir string) string {
	words := []string{a.Program}
	words = append(words, strings.Fields(cmd.CommandPath())[1:]...)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "config" && file != "":
		case f.Value.Type() == "bool" && f.Value.String() == "true":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name+"="+f.Value.String())
		}
	})
	if file != "" {
		words = append(words, "--config", file)
	}
	words = append(words, "--copy-to", dir)
	return quotedAll(words)
}

// quotedAll quotes words for a shell.
func quotedAll(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = quoted(word)
	}
	return strings.Join(all, " ")
}

// quoted quotes a word for a shell.
func quoted(word string) string {
	if regexp.MustCompile(`^[\w@%+=:,./-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
