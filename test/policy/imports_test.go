package policy_test

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/holdfast-dev/holdfast/"

// Everything below package service, and everything below the command line.
var (
	belowService = []string{
		"platform", "platform/native", "platform/proc", "platform/files", "platform/state", "reload", "singleton", "installer", "installer/*", "internal/account", "internal/jobobject", "internal/watch", "golang.org/x/sys",
	}
	belowCLI = append([]string{"service", "service/alarm", "service/logsink", "service/recovery", "service/supervise", "service/internal/hangup", "service/internal/sockets"}, belowService...)
)

type place struct {
	pkg   string
	allow []string
}

// places says what each package may import besides the standard library. Packages of this
// module are named by their path from the top, others by the path of their module; * is any
// name, "..." is anything. The first entry that fits a package counts. A package without an
// entry is a violation: decide where it belongs.
//
// The rule applies to every file, whatever its build constraints, and so to every system. It
// does not apply to tests, which are separate packages and may import what is above.
var places = []place{
	{"platform", []string{"golang.org/x/sys"}},
	{"platform/native", []string{"platform", "platform/*", "platform/internal/*", "golang.org/x/sys"}},
	// It is above package service: a program that imports it runs on all of holdfast. Only
	// this package knows that library.
	{"platform/kardianos", append([]string{
		"service", "service/cli", "service/logsink", "service/migrate", "platform/kardianos", "platform/internal/foreign", "platform/internal/room", "github.com/kardianos/service",
	}, belowService...)},
	{"platform/state", []string{"platform", "platform/proc", "platform/files"}},
	{"platform/*", []string{"platform", "platform/internal/room", "golang.org/x/sys"}},
	{"platform/internal/sysv", []string{"platform", "platform/internal/room", "platform/internal/initd", "platform/internal/shell"}},
	{"platform/internal/openrc", []string{"platform", "platform/internal/room", "platform/internal/initd", "platform/internal/shell"}},
	{"platform/internal/initd", []string{"platform", "platform/internal/room", "platform/internal/shell"}},
	{"platform/internal/initd/initdtest", []string{"platform"}},
	{"platform/internal/systemd", []string{"platform", "platform/internal/room", "platform/proc", "golang.org/x/sys"}},
	{"platform/internal/systemd/probe", []string{"platform", "platform/internal/systemd", "golang.org/x/sys"}},
	{"platform/internal/launchd", []string{"platform", "platform/internal/room", "platform/state", "golang.org/x/sys", "howett.net/plist"}},
	{"platform/internal/scm", []string{"platform", "platform/internal/room", "platform/state", "golang.org/x/sys"}},
	{"platform/internal/room", []string{"platform"}},                                            // what they all have in common
	{"platform/internal/*", []string{"platform", "platform/internal/room", "golang.org/x/sys"}}, // rooms do not know each other
	{"reload", nil},
	{"internal/account", nil},
	{"internal/jobobject", []string{"golang.org/x/sys"}},
	{"internal/secretfile", []string{"platform/files"}},
	{"internal/watch", []string{"golang.org/x/sys"}},
	{"singleton", []string{"platform", "platform/proc", "platform/files", "golang.org/x/sys"}},
	{"installer", []string{"platform", "platform/native", "platform/files", "golang.org/x/sys"}},
	{"installer/trial", []string{"internal/jobobject", "platform", "platform/native", "platform/files", "platform/proc", "golang.org/x/sys"}}, // what each `run` links
	{"installer/upgrade", []string{"platform", "platform/files", "platform/proc", "installer/trial", "golang.org/x/sys", "golang.org/x/crypto"}},
	{"installer/rollout", []string{"singleton"}},
	{"service/recovery", belowService},
	{"service/alarm", belowService},
	// A program that posts no alarms links no client of HTTP.
	{"service/alarm/webhook", []string{"internal/secretfile", "service/alarm"}},
	// A program without a journal links none of it.
	{"service/recovery/journal", append([]string{"go.etcd.io/bbolt", "service/recovery"}, belowService...)},
	{"service/cli/work", []string{"service/cli", "service/logsink", "service/recovery/journal", "github.com/spf13/cobra"}},
	// A program without service/metrics links neither net/http nor a client of Prometheus.
	{"service/metrics", append([]string{
		"service", "service/alarm", "service/internal/sockets", "service/recovery", "github.com/prometheus/client_golang", "github.com/prometheus/client_model", "github.com/prometheus/common",
	}, belowService...)},
	// Only programs that wrap another one link HTTP and the regular expressions for its
	// output.
	{"service/wrap", []string{"internal/jobobject", "platform", "platform/proc", "service", "service/internal/handover", "service/internal/kept", "golang.org/x/sys"}},
	{"service/migrate", []string{"platform", "service", "github.com/coreos/go-systemd/v22", "howett.net/plist"}},
	{"service/supervise", belowService},
	{"service/doctor", append([]string{"service/recovery"}, belowService...)}, // pure: of those it uses the types
	{"service/internal/kept", belowService},
	{"service/internal/sockets", belowService},
	{"service/internal/hangup", nil},   // whatever it imports is initialised before it
	{"service/internal/handover", nil}, // likewise
	{"service/logsink", append([]string{
		"github.com/hashicorp/go-hclog", "github.com/coreos/go-systemd/v22", "github.com/mattn/go-isatty",
	}, belowService...)},
	// Package service imports nothing heavy: a program that only runs pays for neither a
	// command line nor metrics.
	{"service", append([]string{
		"service/alarm", "service/logsink", "service/recovery", "service/internal/hangup", "service/internal/kept", "service/internal/sockets",
		"github.com/BurntSushi/toml", "github.com/hashicorp/go-hclog",
	}, belowService...)},
	{"service/cli", append([]string{
		"service/migrate", "service/doctor",
		"github.com/BurntSushi/toml",
		"github.com/fatih/color", "github.com/hashicorp/go-hclog", "github.com/mattn/go-isatty",
		"github.com/shirou/gopsutil/v3", "github.com/spf13/cobra", "github.com/spf13/pflag",
	}, belowCLI...)},
	{"examples/*", []string{"..."}},
	{"examples/*/*", []string{"..."}},
	{"test/*/*", []string{"..."}},
	{"test/*", []string{"..."}},
	{"test", []string{"..."}},
}

func checkImports(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		if s.test() {
			continue
		}
		i := slices.IndexFunc(places, func(p place) bool { return matches(p.pkg, s.dir()) })
		if i < 0 {
			violations = append(violations, s.at(s.file.Name, "package %s has no place in the direction of imports: give it one in places", s.dir()))
			continue
		}
		for _, spec := range s.file.Imports {
			if imported := importPath(spec); !mayImport(places[i].allow, imported) {
				violations = append(violations, s.at(spec, "package %s must not import %s: it stands beside or above it, or is not among what places allows", s.dir(), imported))
			}
		}
	}
	return violations
}

func mayImport(allow []string, imported string) bool {
	own, ours := strings.CutPrefix(imported, module)
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return imported != "C" // the standard library has no dot there; cgo would end cross-compiling
	}
	return slices.ContainsFunc(allow, func(entry string) bool {
		switch {
		case entry == "...":
			return true
		case ours:
			return matches(entry, own)
		}
		return imported == entry || strings.HasPrefix(imported, entry+"/")
	})
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
