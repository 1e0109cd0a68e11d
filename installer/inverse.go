package installer

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// inverse returns the steps, in order, that restore what s is about to change. They also
// succeed if s was never carried out, or if they have been carried out before.
func inverse(ctx context.Context, sys platform.System, s platform.Step) ([]platform.Step, error) {
	switch s.Kind {
	case platform.StepWriteFile:
		return backToFile(sys, s)
	case platform.StepCopyFile:
		content, err := sys.ReadFile(s.Source)
		if err != nil {
			return nil, err
		}
		s.Content = content
		return backToFile(sys, s)
	case platform.StepRemoveFile:
		before, err := kept(sys, s.Path)
		if err != nil || before == nil {
			return nil, err
		}
		return []platform.Step{*before}, nil
	case platform.StepMakeDir:
		return backToNoDir(sys, s)
	case platform.StepDropDir:
		return backToDir(sys, s)
	case platform.StepRemoveDir:
		return nil, nil
	case platform.StepRun:
		if s.Undo == nil {
			return s.Back, nil
		}
		return append([]platform.Step{{Kind: platform.StepRun, Describe: s.Describe, Argv: s.Undo}}, s.Back...), nil
	}
	if a, ok := sys.(platform.Applier); ok {
		return a.Inverse(ctx, s)
	}
	return nil, unknown(s)
}

// backToFile undoes the writing of a file. It restores the old content, and removes what an
// interrupted write has left.
func backToFile(sys platform.System, s platform.Step) ([]platform.Step, error) {
	before, err := kept(sys, s.Path)
	switch {
	case err != nil:
		return nil, err
	case before == nil:
		before = &platform.Step{Kind: platform.StepRemoveFile, Describe: s.Describe, Path: s.Path}
	case same(sys, s):
		return nil, nil
	}
	return []platform.Step{*before, {Kind: platform.StepRemoveFile, Describe: s.Describe, Path: files.Temporary(s.Path)}}, nil
}

// backToNoDir undoes the making of a directory. It removes each directory that does not exist
// yet, unless somebody has put something into it.
func backToNoDir(sys platform.System, s platform.Step) ([]platform.Step, error) {
	var back []platform.Step
	for dir := filepath.Clean(s.Path); ; dir = filepath.Dir(dir) {
		_, err := sys.Stat(dir)
		if err == nil || dir == filepath.Dir(dir) {
			return back, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		back = append(back, platform.Step{Kind: platform.StepDropDir, Describe: s.Describe, Path: dir})
	}
}

// backToDir undoes the removal of an empty directory: it makes the directory again.
func backToDir(sys platform.System, s platform.Step) ([]platform.Step, error) {
	info, err := sys.Stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []platform.Step{{Kind: platform.StepMakeDir, Describe: s.Describe, Path: s.Path, Mode: info.Mode().Perm()}}, nil
}

// kept returns the step that writes the file at path as it is now, or nil if there is none.
func kept(sys platform.System, path string) (*platform.Step, error) {
	content, err := sys.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, err
	}
	info, err := sys.Stat(path)
	if err != nil {
		return nil, err
	}
	s := platform.Step{Kind: platform.StepWriteFile, Describe: path, Path: path, Mode: info.Mode().Perm(), Content: content}
	if o, ok := sys.(platform.Owners); ok {
		owner, err := o.Owner(path)
		if err != nil {
			return nil, err
		}
		s.Owner = &owner
	}
	return &s, nil
}

func same(sys platform.System, s platform.Step) bool {
	content, err := sys.ReadFile(s.Path)
	if err != nil || !bytes.Equal(content, s.Content) {
		return false
	}
	info, err := sys.Stat(s.Path)
	return err == nil && (!modesCount || info.Mode().Perm() == s.Mode)
}

// big handles a file that is copied over another one. The old file is too large for the
// journal, so it is kept beside the new one until the transaction is over.
func big(sys platform.System, s platform.Step) (keep, write platform.Step, back []platform.Step, ok bool, err error) {
	before, err := kept(sys, s.Path)
	if err != nil || before == nil {
		return platform.Step{}, platform.Step{}, nil, false, err
	}
	content, err := sys.ReadFile(s.Source)
	if err != nil {
		return platform.Step{}, platform.Step{}, nil, false, err
	}
	write = s
	write.Kind, write.Content = platform.StepWriteFile, content
	if same(sys, write) {
		return platform.Step{}, platform.Step{}, nil, false, nil
	}
	beside := filepath.Join(filepath.Dir(s.Path), "."+filepath.Base(s.Path)+".kept")
	keep = *before
	keep.Path, keep.Describe = beside, s.Describe
	restore := *before
	restore.Kind, restore.Content, restore.Source = platform.StepCopyFile, nil, beside
	return keep, write, []platform.Step{restore, {Kind: platform.StepRemoveFile, Path: files.Temporary(s.Path)}}, true, nil
}
