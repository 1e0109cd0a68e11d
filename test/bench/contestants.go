package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A contestant is one program in the form in which it is measured.
type contestant struct {
	name    string
	path    string
	args    []string
	env     []string
	reloads bool // it survives SIGHUP
	refuses bool // a second instance
	deaf    bool // nobody reads its log
}

// folder returns the name of its directory.
func (c contestant) folder() string {
	return strings.NewReplacer(" ", "-", "/", "-", ",", "").Replace(c.name)
}

// allFiles is the program bare, writing everything that holdfast writes.
const allFiles = "bare, all files"

// build compiles the programs into dir.
func build(ctx context.Context, dir string, flags []string) ([]contestant, error) {
	programs := []contestant{
		{name: "bare", path: "bare", reloads: true, refuses: true},
		{name: "bare, no fsync", path: "bare", args: []string{"-fsync=false"}, reloads: true, refuses: true},
		{name: allFiles, path: "bare", args: []string{"-all"}, reloads: true, refuses: true},
		{name: "service.Run", path: "viarun", reloads: true, refuses: true},
		{name: "cli.Main", path: "viacli", args: []string{"run"}, reloads: true, refuses: true},
		{name: "kardianos/service", path: "kardianos"},
	}
	linked := filepath.Join(dir, "linked") + string(filepath.Separator)
	var packages []string
	for i, p := range programs {
		programs[i].path = filepath.Join(dir, p.path)
		packages = append(packages, "./programs/"+p.path)
	}
	slices.Sort(packages)
	if err := goBuild(ctx, linked, flags, slices.Compact(packages)...); err != nil {
		return nil, err
	}
	// Copy the programs, as an installation does. Starts of the linker's own file differ measurably: the page cache has it in
	// single pages, by chance.
	if out, err := exec.CommandContext(ctx, "cp", "-r", linked+".", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy %s: %w\n%s", linked, err, out)
	}
	return programs, nil
}

// goBuild compiles packages of this module, as they are released: without the C library.
func goBuild(ctx context.Context, out string, flags []string, packages ...string) error {
	argv := slices.Concat([]string{"build", "-o", out}, flags, packages)
	cmd := exec.CommandContext(ctx, "go", argv...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(argv, " "), err, said)
	}
	return nil
}

func measureSizes(ctx context.Context, h *harness) ([]*table, error) {
	contestants, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	whole := &table{title: "binary size", unit: "MiB"}
	stripped := &table{title: "binary size, stripped", unit: "MiB"}
	for _, c := range contestants {
		info, err := os.Stat(c.path)
		if err != nil {
			return nil, err
		}
		loaded, err := loadedSize(c.path)
		if err != nil {
			return nil, err
		}
		whole.add(c.name, float64(info.Size())/(1<<20))
		stripped.add(c.name, float64(loaded)/(1<<20))
	}
	stripped.row("cli.Main").target = absolute(4, stripped.unit)
	return []*table{whole, stripped}, nil
}

// loadedSize returns the size of what the file at path has for the process: the file without
// what strip(1) removes.
func loadedSize(path string) (size uint64, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			size = max(size, p.Off+p.Filesz)
		}
	}
	return size, nil
}
