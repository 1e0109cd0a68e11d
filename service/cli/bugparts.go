package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
)

// bugreport gathers everything that can be found out about t. If one part hangs, only that
// part is missing.
func (a *app) bugreport(cmd *cobra.Command, t *target) *bugreport {
	r := &bugreport{redactor: newRedactor(a.secrets(t))}
	outer, errs := cmd.Context(), cmd.ErrOrStderr()
	cmd.SetErr(io.Discard) // these notes are for people who install
	defer func() { cmd.SetContext(outer); cmd.SetErr(errs) }()
	section := func(what string, find func(ctx context.Context)) {
		ctx, cancel := context.WithTimeoutCause(outer, sectionFor, platform.ErrTimeout)
		defer cancel()
		cmd.SetContext(ctx)
		if _, err := leavable(ctx, func() (struct{}, error) { find(ctx); return struct{}{}, ctx.Err() }); err != nil && outer.Err() == nil {
			r.lacks(what, context.Cause(ctx))
		}
	}
	r.addJSON("versions.json", "versions of the program, of holdfast and of Go, and the system", struct {
		versions
		System  string    `json:"system"`
		Manager string    `json:"manager"`
		Scope   string    `json:"scope"`
		Root    bool      `json:"privileged"`
		Called  string    `json:"called"`
		At      time.Time `json:"at"`
	}{versionsFor(a.cfg), builtFor(), a.managerName(t), string(t.id.Scope), a.Privileged(), a.Program, a.Now()})
	section("status", func(context.Context) {
		reports := a.reports(cmd, t, false)
		r.mu.Lock()
		r.definition = reports[0].Definition
		r.mu.Unlock()
		r.addJSON("status.json", "its state (status --json)", reports)
	})
	section("doctor", func(context.Context) {
		r.addJSON("doctor.json", "what is wrong with it (doctor --json)", a.examination(cmd, t))
	})
	section("plan", func(context.Context) { a.addPlan(cmd, r) })
	section("log", func(ctx context.Context) {
		if lines := t.logLines(ctx, time.Time{}); len(lines) > 0 {
			r.add("log.txt", fmt.Sprintf("the last %d lines of its log", len(lines)), strings.Join(lines, ""))
		} else {
			r.lacks("log", errors.New("it has none that can be read here"))
		}
	})
	section("definition", func(context.Context) { r.addDefinition() })
	section("configuration", func(context.Context) { a.addConfiguration(t, r) })
	section("records", func(context.Context) { a.addRecords(t, r) })
	return r
}

// builtFor returns the system that the program was built for.
func builtFor() string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			found[s.Key] = s.Value
		}
	}
	return found["GOOS"] + "/" + found["GOARCH"]
}

func (a *app) managerName(t *target) string {
	if t.manager == nil {
		return ""
	}
	return t.manager.Name()
}

// secrets returns the values that may be secret, as far as they are known.
func (a *app) secrets(t *target) (all []string) {
	for _, cfg := range []service.Config{a.code, a.cfg, t.cfg} {
		for _, value := range cfg.Env {
			all = append(all, value)
		}
		for i, arg := range cfg.Args {
			if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") && secretName(name) {
				all = append(all, value)
			} else if i > 0 && strings.HasPrefix(cfg.Args[i-1], "-") && secretName(cfg.Args[i-1]) {
				all = append(all, arg)
			}
		}
		all = append(all, secretsOf(cfg.DefaultFile)...)
	}
	for _, path := range slices.Compact([]string{t.cfg.File, t.named}) {
		if path == "" {
			continue
		}
		if content, err := files.ReadFile(path); err == nil {
			all = append(all, secretsOf(string(content))...)
		}
	}
	return all
}

// addPlan adds what install would do. The content of each step is redacted as text.
func (a *app) addPlan(cmd *cobra.Command, r *bugreport) {
	of := *a
	of.cfg = a.code
	var f installFlags
	t, steps, err := of.plan(cmd, &f)
	if err == nil {
		steps, err = of.whole(cmd.Context(), t, steps, f)
	}
	if err != nil {
		r.lacks("plan", err)
		return
	}
	r.addJSON("plan.json", "what install would do now (plan --json)", planOf(a.managerName(t), steps))
}

// addDefinition adds the manager's definition of the service, if it is a file.
func (r *bugreport) addDefinition() {
	r.mu.Lock()
	d := r.definition
	r.mu.Unlock()
	if d == nil {
		r.lacks("definition", errors.New("the manager has none"))
		return
	}
	if _, err := os.Lstat(d.Path); err != nil {
		r.lacks("definition "+d.Path, err)
		return
	}
	r.addFile("definition.txt", "the manager's definition of it", d.Path)
	for i, drop := range d.DropIns {
		r.addFile(fmt.Sprintf("drop-in-%d.txt", i+1), "what overrides the definition", drop.Path)
	}
}

// addConfiguration adds the settings in force, and not the file. Only the program knows which
// parts of its tables are secret. What it shows of them, it has declared not to be secret.
func (a *app) addConfiguration(t *target, r *bugreport) {
	if t.badFile != nil {
		r.lacks("configuration", t.badFile)
		r.addLines(t.named)
		return
	}
	settings, err := t.cfg.InForce(a.prog)
	if err != nil {
		r.lacks("configuration", err)
		r.addLines(t.cfg.File)
		return
	}
	var b strings.Builder
	for _, s := range settings {
		none := slices.Contains([]string{"", `""`, "[]", "{}"}, s.Value)
		if name := s.Key[strings.LastIndexByte(s.Key, '.')+1:]; secretName(name) && !none {
			s.Hidden = true
		}
		if line := s.String(); s.Hidden || none {
			b.WriteString(r.known.Replace(line) + "\n") // text would strike it out because of its key
		} else {
			b.WriteString(r.text(line) + "\n")
		}
	}
	r.put(part{"configuration.txt", "the settings in force and where they come from (config show)", []byte(b.String())})
}

// addRecords adds the records that the service and install have written.
func (a *app) addRecords(t *target, r *bugreport) {
	id := t.id.String()
	r.addFile("state.json", "its own records", t.dirs.StateFile(id))
	r.addFile("lastrun.json", "how its last run ended", t.dirs.LastRunFile(id))
	r.addFile("crash.txt", "Go's output about its last crash", t.dirs.CrashFile(id))
	r.addFile("journal.json", "its journal of interrupted work, in numbers", t.dirs.JournalFile(id)+".json")
	if path, err := a.Manifest(t.id); err == nil {
		r.addFile("installed.json", "the record of its installation", path)
	}
}
