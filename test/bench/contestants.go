package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A contestant is one program in the form in which it is measured.
type contestant struct {
	name    string
	path    string
	args    []string
	reloads bool // it survives SIGHUP
	refuses bool // a second instance
}

// allFiles is the program bare, writing everything that holdfast writes.
const allFiles = "bare, all files"

// build compiles the programs into dir as for a release.
func build(ctx context.Context, dir string) ([]contestant, error) {
	programs := []contestant{
		{name: "bare", path: "bare", reloads: true, refuses: true},
		{name: "bare, no fsync", path: "bare", args: []string{"-fsync=false"}, reloads: true, refuses: true},
		{name: allFiles, path: "bare", args: []string{"-all"}, reloads: true, refuses: true},
		{name: "service.Run", path: "viarun", reloads: true, refuses: true},
		{name: "cli.Main", path: "viacli", args: []string{"run"}, reloads: true, refuses: true},
		{name: "kardianos/service", path: "kardianos"},
	}
	for i, p := range programs {
		programs[i].path = filepath.Join(dir, p.path)
		linked := programs[i].path + ".linked"
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", linked, "./programs/"+p.path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", p.path, err, out)
		}
		// Copy the program, as an installation does. Starts of the linker's own file differ measurably: the page cache has it in
		// single pages, by chance.
		if err := exec.CommandContext(ctx, "cp", linked, programs[i].path).Run(); err != nil {
			return nil, fmt.Errorf("copy %s: %w", p.path, err)
		}
	}
	return programs, nil
}

func measureSizes(contestants []contestant) ([]*table, error) {
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
