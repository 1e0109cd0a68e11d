package main

import (
	"context"
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
}

// allFiles is the program bare, writing everything that holdfast writes.
const allFiles = "bare, all files"

// build compiles the programs into dir as for a release.
func build(ctx context.Context, dir string) ([]contestant, error) {
	programs := []contestant{
		{name: "bare", path: "bare", reloads: true},
		{name: "bare, no fsync", path: "bare", args: []string{"-fsync=false"}, reloads: true},
		{name: allFiles, path: "bare", args: []string{"-all"}, reloads: true},
		{name: "service.Run", path: "viarun", reloads: true},
		{name: "cli.Main", path: "viacli", args: []string{"run"}, reloads: true},
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

func measureSizes(contestants []contestant) (*table, error) {
	t := &table{title: "binary size", unit: "MiB"}
	for _, c := range contestants {
		info, err := os.Stat(c.path)
		if err != nil {
			return nil, err
		}
		t.add(c.name, float64(info.Size())/(1<<20))
	}
	return t, nil
}
