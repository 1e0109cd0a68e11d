//go:build linux

package launchdsim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The exit codes of the double: see the package comment.
const (
	codeNotPermitted = 1
	codeNoProcess    = 3
	codeIO           = 5
	codeInProgress   = 36
	codeAlready      = 37
	codeUsage        = 64
	codeNotAList     = 109
	codeNoLabel      = 110
	codeNoProgram    = 111
	codeNoDomain     = 112
	codeNoService    = 113
	codeDisabled     = 119
	codeOwnership    = 122
	codeNotInDomain  = 125
	codeBadSession   = 134
)

// An Answer is the result of a launchctl command.
type Answer struct {
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Code   int    `json:"code"`
}

func refuse(what string, code int) Answer {
	return Answer{Code: code, Stderr: fmt.Sprintf("%s failed: %d (a double of launchctl)\n", what, code)}
}

// Control carries out `launchctl ARGS...` as the user uid. Two verbs are the double's own:
// "double-on-demand-only" and "double-slow", with "on" or "off".
func (d *Double) Control(uid int, args ...string) Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ready()
	if len(args) < 2 || strings.HasPrefix(args[1], "-") && args[0] != "kickstart" {
		return refuse("usage", codeUsage)
	}
	switch args[0] {
	case "bootstrap":
		if len(args) != 3 {
			return refuse("Bootstrap", codeUsage)
		}
		return d.bootstrap(uid, args[1], args[2])
	case "double-on-demand-only":
		d.OnDemandOnly = args[1] == "on"
		return Answer{}
	case "double-slow":
		d.Slow = args[1] == "on"
		return Answer{}
	case "print":
		return d.print(args[1])
	case "print-disabled":
		return d.printDisabled(args[1])
	case "enable", "disable":
		domain, label, _ := cut(args[1])
		if !d.mayChange(uid, domain) {
			return refuse(args[0], codeNotPermitted)
		}
		if err := d.override(domain, label, args[0] == "disable"); err != nil {
			return refuse(args[0]+": "+err.Error(), codeIO)
		}
		return Answer{}
	}
	return d.onJob(uid, args[0], args[1:])
}

// onJob carries out a verb that concerns one loaded job.
func (d *Double) onJob(uid int, verb string, args []string) Answer {
	target := args[len(args)-1]
	domain, _, _ := cut(target)
	j := d.jobs[target]
	missing := codeNoService
	if verb == "bootout" {
		missing = codeNoProcess
	}
	switch {
	case !d.mayChange(uid, domain):
		return refuse(verb, codeNotPermitted)
	case verb != "bootout" && verb != "kickstart" && verb != "kill":
		return refuse(verb, codeUsage)
	case j == nil:
		return refuse(verb, missing)
	}
	switch verb {
	case "bootout":
		if gone := j.bootOut(); !gone && d.Slow {
			return refuse("Boot-out", codeInProgress)
		}
	case "kickstart":
		switch {
		case j.leaving != "":
			return refuse("Kickstart", codeAlready)
		case slices.Contains(args, "-k") && j.cmd != nil:
			_ = j.cmd.Process.Signal(syscall.SIGKILL)
		case j.cmd != nil:
			return refuse("Kickstart", codeAlready)
		}
		j.start()
	case "kill":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return refuse("Kill: the double takes numbers", codeUsage)
		}
		if j.cmd == nil {
			return refuse("Kill", codeNoProcess)
		}
		_ = j.cmd.Process.Signal(syscall.Signal(n))
	}
	return Answer{}
}

func (d *Double) bootstrap(uid int, domain, path string) Answer {
	owner, kind := d.Root, codeIO
	switch {
	case !d.mayChange(uid, domain):
		return refuse("Bootstrap", kind)
	case !d.exists(domain):
		return refuse("Bootstrap", codeNotInDomain)
	case domain != "system":
		owner, _ = strconv.Atoi(domain[strings.IndexByte(domain, '/')+1:])
	}
	def, code := d.read(path, owner)
	if code == codeOwnership && uid != d.Root { // "Try re-running the command as root for richer errors."
		code = codeIO
	}
	if code != 0 {
		return refuse("Bootstrap", code)
	}
	target := domain + "/" + def.Label
	switch {
	case d.disabled(domain, def):
		return refuse("Bootstrap", codeDisabled)
	case strings.HasPrefix(domain, "user/") && !def.background():
		return refuse("Bootstrap", codeBadSession)
	case d.jobs[target] != nil, time.Now().Before(d.settling[target]):
		return refuse("Bootstrap", codeIO)
	}
	d.load(domain, owner, def)
	return Answer{}
}

// cut splits a service target.
func cut(target string) (domain, label string, ok bool) {
	i := strings.LastIndexByte(target, '/')
	if i < 0 {
		return target, "", false
	}
	return target[:i], target[i+1:], true
}

func (d *Double) exists(domain string) bool {
	if domain == "system" {
		return true
	}
	kind, number, _ := strings.Cut(domain, "/")
	uid, err := strconv.Atoi(number)
	return err == nil && (kind == "user" || kind == "gui" && d.loggedIn(uid))
}

func (d *Double) mayChange(uid int, domain string) bool {
	return uid == d.Root || domain == "user/"+strconv.Itoa(uid) || domain == "gui/"+strconv.Itoa(uid)
}

func (d *Double) printDisabled(domain string) Answer {
	if !d.exists(domain) {
		return refuse("print-disabled", codeNoDomain)
	}
	var out strings.Builder
	out.WriteString("disabled services = {\n")
	o := d.overrides()
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if label, ok := strings.CutPrefix(key, overrideKey(domain)); ok {
			word := "enabled"
			if o[key] {
				word = "disabled"
			}
			fmt.Fprintf(&out, "\t%q => %s\n", label, word)
		}
	}
	out.WriteString("}\n")
	return Answer{Stdout: out.String()}
}
