package policy_test

import (
	"strings"
	"testing"
)

// Every rule finds what it is for, and accepts what only resembles it.
func TestPolicyCatches(t *testing.T) {
	long := "package p\n" + strings.Repeat("\n", maxLines)
	cases := []struct {
		policy string
		name   string
		files  map[string]string // the text of a tree
		want   string            // part of the one violation; empty: there is none
	}{
		{"direction of imports", "a room imports a room", src("platform/internal/sysv/a.go", `package sysv; import _ "github.com/holdfast-dev/holdfast/platform/proc"`), "platform/internal/sysv/a.go:1: package platform/internal/sysv must not import"},
		{"direction of imports", "a module in a room", src("platform/internal/sysv/a.go", `package sysv; import _ "howett.net/plist"`), "must not import howett.net/plist"},
		{"direction of imports", "only on Windows", src("platform/internal/scm/a_windows.go", `package scm; import _ "github.com/holdfast-dev/holdfast/platform/proc"`), "must not import"},
		{"direction of imports", "upwards", src("platform/a.go", `package platform; import _ "github.com/holdfast-dev/holdfast/service"`), "must not import"},
		{"direction of imports", "a module in the gate", src("reload/a.go", `package reload; import _ "golang.org/x/sys/unix"`), "must not import golang.org/x/sys/unix"},
		{"direction of imports", "something heavy in the face", src("service/a.go", `package service; import _ "github.com/spf13/cobra"`), "must not import github.com/spf13/cobra"},
		{"direction of imports", "a module whose name only begins like one", src("service/a.go", `package service; import _ "github.com/BurntSushi/toml-evil"`), "must not import"},
		{"direction of imports", "cgo", src("service/a.go", `package service; import "C"`), "must not import C"},
		{"direction of imports", "a package without a place", src("extra/a.go", `package extra`), "has no place"},
		{"direction of imports", "downwards", src("service/cli/a.go", `package cli; import (_ "github.com/holdfast-dev/holdfast/service"; _ "os")`), ""},
		{"direction of imports", "a test looks upwards", src("platform/internal/sysv/a_test.go", `package sysv_test; import _ "github.com/holdfast-dev/holdfast/service"`), ""},

		{"one package comment", "none", src("reload/a.go", "package reload"), "has 0 package comments for linux"},
		{"one package comment", "two", src("reload/a.go", "// Package reload is.\npackage reload", "reload/b.go", "// Package reload too.\npackage reload"), "has 2 package comments for linux"},
		{"one package comment", "only on Linux", src("reload/a.go", "package reload", "reload/a_linux.go", "// Package reload is.\npackage reload"), "has 0 package comments for windows"},
		{"one package comment", "of another package", src("reload/a.go", "// Package gate is.\npackage reload"), `must begin with "Package reload "`},
		{"one package comment", "of a program", src("examples/minimal/main.go", "// Command minimal does.\npackage main"), ""},
		{"one package comment", "one for each system", src("reload/a_linux.go", "// Package reload is.\npackage reload", "reload/a_other.go", "//go:build !linux\n\n// Package reload is.\npackage reload"), ""},

		{"small files", "long", src("reload/a.go", long), "401 lines, the limit is 400"},
		{"small files", "long test", src("reload/a_test.go", long), ""},

		{"runtime.GOOS only where systems are chosen", "in a room", src("platform/internal/posix/a.go", `package posix; import "runtime"; const x = runtime.GOOS`), "platform/internal/posix/a.go:1: runtime.GOOS"},
		{"runtime.GOOS only where systems are chosen", "under another name", src("service/a.go", `package service; import r "runtime"; const x = r.GOOS`), "runtime.GOOS"},
		{"runtime.GOOS only where systems are chosen", "in native", src("platform/native/a.go", `package native; import "runtime"; const x = runtime.GOOS`), ""},
		{"runtime.GOOS only where systems are chosen", "in a test", src("service/a_test.go", `package service_test; import "runtime"; const x = runtime.GOOS`), ""},

		{"os.Exit only in main and tests", "in a library", src("service/a.go", `package service; import "os"; func f() { os.Exit(1) }`), "os.Exit is for main"},
		{"os.Exit only in main and tests", "handed on", src("service/a.go", `package service; import "os"; var exit = os.Exit`), "os.Exit is for main"},
		{"os.Exit only in main and tests", "by way of log", src("service/a.go", `package service; import "log"; func f() { log.Fatalf("x") }`), "log.Fatalf is for main"},
		{"os.Exit only in main and tests", "in main", src("examples/minimal/main.go", `package main; import "os"; func main() { os.Exit(1) }`), ""},
		{"os.Exit only in main and tests", "in TestMain", src("service/a_test.go", `package service_test; import "os"; func TestMain() { os.Exit(1) }`), ""},

		{"no package state", "a variable without value", src("service/a.go", "package service\nvar mu sync.Mutex"), "service/a.go:2: mu is package state"},
		{"no package state", "a lock with a value", src("service/a.go", "package service\nvar mu = sync.Mutex{}"), "it is there to change"},
		{"no package state", "a map", src("service/a.go", "package service\nvar m = make(map[string]int)"), "m is package state"},
		{"no package state", "a pointer", src("service/a.go", "package service\nvar p = &T{}"), "it points to something"},
		{"no package state", "assigned", src("service/a.go", "package service\nvar now = time.Now", "service/b.go", "package service\nfunc f() { now = nil }"), "service/b.go:2: now is a package variable and is changed here"},
		{"no package state", "its element", src("service/a.go", "package service\nvar m = map[string]int{}\nfunc f() { m[`a`] = 1 }"), "service/a.go:3: m is"},
		{"no package state", "counted", src("service/a.go", "package service\nvar n = 0\nfunc f() { n++ }"), "n is a package variable and is changed"},
		{"no package state", "deleted from", src("service/a.go", "package service\nvar m = map[int]int{1: 1}\nfunc f() { delete(m, 1) }"), "m is a package variable and is changed"},
		{"no package state", "by its address", src("service/a.go", "package service\nvar n = 0\nfunc f() { g(&n) }"), "n is a package variable and is changed"},
		{"no package state", "changed by a test", src("service/a.go", "package service\nvar now = time.Now", "service/export_test.go", "package service\nfunc Set() { now = nil }"), "service/export_test.go:2"},
		{"no package state", "a sentinel", src("service/a.go", "package service\nvar ErrX = errors.New(`x`)\nvar _ I = T{}"), ""},
		{"no package state", "the claim of SIGHUP", src("service/internal/hangup/a.go", "package hangup\nvar early = claim()"), ""},
		{"no package state", "the lock of the library's choice", src("platform/kardianos/a.go", "package kardianos\nvar adopting sync.Mutex"), ""},
		{"no package state", "made at its first use", src("service/a.go", "package service\nvar p = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`x`) })"), ""},
		{"no package state", "kept at its first use", src("service/a.go", "package service\nvar p = sync.OnceValue(func() int { return os.Getpid() })"), "p is package state"},
		{"no package state", "another claim", src("service/internal/hangup/a.go", "package hangup\nvar late = claim()"), "late is package state"},
		{"no package state", "a claim elsewhere", src("service/a.go", "package service\nvar early = claim()"), "early is package state"},
		{"no package state", "a table", src("service/a.go", "package service\nvar t = []string{`a`}\nfunc f() { x := t; x = nil }"), ""},
		{"no package state", "a local of the same name", src("service/a.go", "package service\nvar t = []string{`a`}\nfunc f(t []string) { t[0] = `b` }"), ""},
		{"no package state", "of a test", src("service/a_test.go", "package service_test\nvar dir string\nfunc TestMain() { dir = `x` }"), ""},
		{"no package state", "of a double", src("test/sim/a.go", "package sim\nvar mu sync.Mutex"), ""},
		{"no package state", "embedded", src("service/a.go", "package service\n//go:embed x\nvar t string\nvar (\n//go:embed y\nu string\n)"), ""},

		{"no effects in init", "init", src("service/a.go", "package service\nfunc init() {}"), "service/a.go:2: func init"},
		{"no effects in init", "one that is tested", src("test/kardianos/early/a.go", "package early\nfunc init() {}"), ""},
		{"no effects in init", "a method", src("service/a.go", "package service\nfunc (t T) init() {}"), ""},

		{"telling package names", "a package", src("service/util/a.go", "package util"), `"util" says nothing`},
		{"telling package names", "a file", src("service/helpers_linux.go", "package service"), `"helpers" says nothing`},
		{"telling package names", "a word that contains one", src("service/utility.go", "package service"), ""},

		{"nothing left to do", "in a comment", src("service/a.go", "package service\n// TODO(me): more"), "service/a.go:2: TODO"},
		{"nothing left to do", "in a block", src("service/a.go", "package service\n/* a\nFIXME */"), "FIXME"},
		{"nothing left to do", "as a context", src("service/a.go", "package service\nimport \"context\"\nvar x = context.TODO()"), "context.TODO"},
		{"nothing left to do", "in a text", src("service/a.go", "package service\nconst x = `TODO`"), ""},

		{"dependencies have a reason", "without a line", src("go.mod", "module m\nrequire (\n\texample.com/a v1.0.0\n)\n"), "example.com/a has no reason"},
		{"dependencies have a reason", "without a reason", src("go.mod", "require example.com/a v1.0.0\n", "CONTRIBUTING.md", "| `example.com/a` | yes |\n"), "example.com/a has no reason"},
		{"dependencies have a reason", "gone", src("CONTRIBUTING.md", "| `example.com/a` | parses what we need |\n"), "is not required by go.mod"},
		{"dependencies have a reason", "with a reason", src("go.mod", "require (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0 // indirect\n)\n", "CONTRIBUTING.md", "| `example.com/a` | parses what we need |\n"), ""},

		{"no engine in the core", "indirectly", src("go.mod", "require (\n\tgo.etcd.io/bbolt v1.5.0\n\tgoogle.golang.org/grpc v1.83.2 // indirect\n)\n"), "go.mod: google.golang.org/grpc belongs into the module singleton/etcd"},
		{"no engine in the core", "the client", src("go.mod", "require go.etcd.io/etcd/client/v3 v3.7.3\n"), "go.etcd.io/etcd/client/v3 belongs"},
		{"no engine in the core", "the journal's file", src("go.mod", "require go.etcd.io/bbolt v1.5.0\n"), ""},
	}
	caught := map[string]bool{}
	for _, c := range cases {
		t.Run(c.policy+"/"+c.name, func(t *testing.T) {
			var files tree
			files.texts = c.files
			for name, text := range c.files {
				if strings.HasSuffix(name, ".go") {
					files.sources = append(files.sources, parseSource(t, name, text))
				}
			}
			got := policyNamed(t, c.policy)(files)
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("found fault with it: %q", got)
			case c.want != "" && (len(got) == 0 || !strings.Contains(got[0], c.want)):
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
		caught[c.policy] = caught[c.policy] || c.want != ""
	}
	for _, policy := range policies {
		if !caught[policy.name] {
			t.Errorf("no case shows that %q catches anything", policy.name)
		}
	}
}

// src is a tree: paths and texts in turn.
func src(pairs ...string) map[string]string {
	files := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		files[pairs[i]] = pairs[i+1]
	}
	return files
}

func policyNamed(t *testing.T, name string) func(tree) []string {
	t.Helper()
	for _, policy := range policies {
		if policy.name == name {
			return policy.check
		}
	}
	t.Fatalf("no policy %q", name)
	return nil
}
