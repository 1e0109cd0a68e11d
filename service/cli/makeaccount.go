package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// makeAccount returns the steps that make the service's user, without home and shell, and its
// group, if they do not exist. It records what will exist.
func (t *target) makeAccount(ctx context.Context) ([]platform.Step, error) {
	c := t.cfg
	refuse := func(why string) ([]platform.Step, error) { return nil, usage("--create-user: %s", why) }
	switch {
	case t.manager.Name() == "scm":
		return refuse("Windows already has an account for each service: leave it out, or use --user 'NT SERVICE\\NAME'")
	case t.id.Scope != platform.ScopeSystem:
		return refuse("a user's service runs as that user")
	case c.User == "" || c.User == "root":
		return refuse("give --user NAME, or set user in the configuration")
	}
	group := c.Group
	if group == "" {
		group = c.User
	}
	var steps []platform.Step
	noUser, err := t.lacks(func() error { _, _, err := t.Accounts.User(ctx, c.User); return err })
	if err != nil || !noUser && c.Group == "" {
		return nil, err
	}
	noGroup, err := t.lacks(func() error { _, err := t.Accounts.Group(ctx, group); return err })
	if err != nil || !noUser && !noGroup {
		return nil, err
	}
	if t.manager.Name() == "launchd" {
		return t.makeOnMac(ctx, c.User, group, noUser, noGroup)
	}
	tools := t.accountTools()
	if tools == nil {
		return refuse("there is neither useradd nor adduser here: create the user " + c.User + " yourself")
	}
	if noGroup && tools.lacking != "" {
		return refuse("there is no " + tools.lacking + " here: create the group " + group + " yourself")
	}
	if noGroup {
		steps = append(steps, tools.group(group))
		t.made.Group = group
	}
	if noUser {
		steps = append(steps, tools.user(c.User, group))
		t.made.User = c.User
	}
	return steps, nil
}

// lacks reports whether a lookup says that there is no such account.
func (t *target) lacks(look func() error) (bool, error) {
	err := look()
	if errors.Is(err, errNoAccount) {
		return true, nil
	}
	return false, err
}

// accountTools has the command lines by which a machine makes and removes accounts.
type accountTools struct {
	addGroup, addUser, delGroup, delUser []string // NAME, GROUP and SHELL are placeholders
	shell                                string
	lacking                              string // the missing tool that would make or remove a group
}

// accountTools finds the tools of the shadow suite or of BusyBox. It returns nil if there are
// none.
func (t *target) accountTools() *accountTools {
	find := func(name string) string {
		for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"} {
			if file := dir + "/" + name; !t.absent(file) {
				return file
			}
		}
		return ""
	}
	absent := func(names ...string) string { // the first of them that does not exist
		i := slices.IndexFunc(names, func(name string) bool { return find(name) == "" })
		if i < 0 {
			return ""
		}
		return names[i]
	}
	shell := find("nologin")
	if shell == "" {
		shell = "/bin/false"
	}
	if add := find("useradd"); add != "" && find("userdel") != "" {
		return &accountTools{
			addGroup: []string{find("groupadd"), "--system", "NAME"}, delGroup: []string{find("groupdel"), "NAME"},
			addUser: []string{add, "--system", "--gid", "GROUP", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "SHELL", "NAME"},
			delUser: []string{find("userdel"), "NAME"}, shell: shell, lacking: absent("groupadd", "groupdel"),
		}
	}
	if add := find("adduser"); add != "" && find("deluser") != "" {
		return &accountTools{
			addGroup: []string{find("addgroup"), "-S", "NAME"}, delGroup: []string{find("delgroup"), "NAME"},
			addUser: []string{add, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "SHELL", "-G", "GROUP", "NAME"},
			delUser: []string{find("deluser"), "NAME"}, shell: shell, lacking: absent("addgroup", "delgroup"),
		}
	}
	return nil
}

func (a *accountTools) line(argv []string, name, group string) []string {
	argv = slices.Clone(argv)
	for i, word := range argv {
		switch word {
		case "NAME":
			argv[i] = name
		case "GROUP":
			argv[i] = group
		case "SHELL":
			argv[i] = a.shell
		}
	}
	return argv
}

func (a *accountTools) group(name string) platform.Step {
	return platform.Step{
		Kind: platform.StepRun, Describe: "make the group " + name, Argv: a.line(a.addGroup, name, ""), Back: a.noGroup(name),
	}
}

func (a *accountTools) user(name, group string) platform.Step {
	return platform.Step{
		Kind: platform.StepRun, Describe: "make the user " + name, Argv: a.line(a.addUser, name, group), Back: a.noUser(name),
	}
}

// goneWithin limits the time until a removed account is no longer visible.
const goneWithin = 5 * time.Second

// noUser returns the steps that remove a user, who may already be gone: the answer of id(1)
// counts. noGroup is similar. Tools that remove a user often remove the group too.
func (a *accountTools) noUser(name string) []platform.Step {
	return []platform.Step{
		{Kind: platform.StepRun, Describe: "remove the user " + name, Argv: a.line(a.delUser, name, ""), MayFail: true},
		userGone(name),
	}
}

func userGone(name string) platform.Step {
	return platform.Step{Kind: platform.StepRun, Describe: "the user " + name + " is gone", Argv: []string{"id", "-u", name}, Until: 1, Within: goneWithin}
}

func (a *accountTools) noGroup(name string) []platform.Step {
	return []platform.Step{
		{Kind: platform.StepRun, Describe: "remove the group " + name, Argv: a.line(a.delGroup, name, ""), MayFail: true},
	}
}

// purgeAccount returns the steps that remove the accounts which an install has made, unless
// another instance of the service may use them.
func (t *target) purgeAccount() []platform.Step {
	made := t.manifest.Account
	if t.manifest.Format == 0 { // the service was removed otherwise, or an earlier purge was incomplete
		made = t.orphan
	}
	if made == (state.Account{}) || t.siblings() {
		return nil
	}
	if t.manager.Name() == "launchd" {
		return purgeOnMac(made)
	}
	tools := t.accountTools()
	if tools == nil {
		return nil
	}
	var steps []platform.Step
	if made.User != "" {
		steps = append(steps, tools.noUser(made.User)...)
	}
	if made.Group != "" && tools.delGroup[0] != "" {
		steps = append(steps, tools.noGroup(made.Group)...)
	}
	return steps
}

// siblings reports whether another instance of the service is installed.
func (t *target) siblings() bool {
	own, err := t.Manifest(t.id)
	if err != nil {
		return false
	}
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(own), "*.json")) // the pattern is valid
	return slices.ContainsFunc(found, func(path string) bool {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".json"), "@")
		return name == t.id.Name && path != own
	})
}

// willMake reports whether this install makes the account before it is needed.
func (t *target) willMake(kind, name string) bool {
	return name != "" && (kind == "user" && t.made.User == name || kind == "group" && t.made.Group == name)
}

// madeBy returns the accounts that installs have made, including this one.
func (t *target) madeBy() state.Account {
	made := t.manifest.Account
	if t.made.User != "" {
		made.User = t.made.User
	}
	if t.made.Group != "" {
		made.Group = t.made.Group
	}
	return made
}
