package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// dscl is the command line of macOS's directory service: dscl(1). It has no command that makes
// a whole account or assigns a number.
const dscl = "/usr/bin/dscl"

// noRecord is its exit code if the record does not exist: -14136, as far as an exit code can
// hold it.
const noRecord = 56

// These are numbers for accounts that are no person's: below 500, and above those of macOS
// itself as far as possible.
const (
	highestOnMac = 499
	lowestOnMac  = 200
)

// makeOnMac returns the steps that make a user and a group, if they do not exist.
func (t *target) makeOnMac(ctx context.Context, name, group string, noUser, noGroup bool) (steps []platform.Step, err error) {
	if t.absent(dscl) {
		return nil, usage("--create-user: there is no %s here: create the user %s yourself", dscl, name)
	}
	free, err := t.freeOnMac(ctx)
	if err != nil {
		return nil, fmt.Errorf("--create-user: %w", err)
	}
	gid := free
	if noGroup {
		steps = append(steps, onMac("group", "/Groups/"+group, noGroupOnMac(group), "PrimaryGroupID", gid, "RealName", group, "Password", "*")...)
		t.made.Group = group
	} else if gid, err = t.Accounts.Group(ctx, group); err != nil {
		return nil, err
	}
	if noUser {
		steps = append(steps, onMac("user", "/Users/"+name, noUserOnMac(name), "UniqueID", free, "PrimaryGroupID", gid,
			"RealName", name, "UserShell", "/usr/bin/false", "NFSHomeDirectory", "/var/empty", "IsHidden", "1", "Password", "*")...)
		t.made.User = name
	}
	return steps, nil
}

// onMac returns the steps that make a record with these keys and values. The inverse of the
// first step removes the whole record.
func onMac(kind, record string, back []platform.Step, keys ...string) []platform.Step {
	_, name, _ := strings.Cut(record[1:], "/")
	steps := []platform.Step{{Kind: platform.StepRun, Describe: "make the " + kind + " " + name, Argv: []string{dscl, ".", "-create", record}, Back: back}}
	for pair := range slices.Chunk(keys, 2) {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "the " + kind + "'s " + pair[0], Argv: append([]string{dscl, ".", "-create", record}, pair...),
		})
	}
	return steps
}

func noUserOnMac(name string) []platform.Step {
	return []platform.Step{
		{Kind: platform.StepRun, Describe: "remove the user " + name, Argv: []string{dscl, ".", "-delete", "/Users/" + name}, MayFail: true},
		userGone(name),
	}
}

func noGroupOnMac(name string) []platform.Step {
	return []platform.Step{
		{Kind: platform.StepRun, Describe: "remove the group " + name, Argv: []string{dscl, ".", "-delete", "/Groups/" + name}, MayFail: true},
		{Kind: platform.StepRun, Describe: "the group " + name + " is gone", Argv: []string{dscl, ".", "-read", "/Groups/" + name}, Until: noRecord, Within: goneWithin},
	}
}

func purgeOnMac(made state.Account) (steps []platform.Step) {
	if made.User != "" {
		steps = append(steps, noUserOnMac(made.User)...)
	}
	if made.Group != "" {
		steps = append(steps, noGroupOnMac(made.Group)...)
	}
	return steps
}

// freeOnMac returns a number that no user and no group has.
func (t *target) freeOnMac(ctx context.Context) (string, error) {
	taken := map[int]bool{}
	for _, list := range [][2]string{{"/Users", "UniqueID"}, {"/Groups", "PrimaryGroupID"}} {
		out, err := t.commands().Run(ctx, dscl, ".", "-list", list[0], list[1])
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(out) { // "_www          70"
			fields := strings.Fields(line)
			if len(fields) == 0 {
				continue
			}
			if n, err := strconv.Atoi(fields[len(fields)-1]); err == nil {
				taken[n] = true
			}
		}
	}
	for n := highestOnMac; n >= lowestOnMac; n-- {
		if !taken[n] {
			return strconv.Itoa(n), nil
		}
	}
	return "", errors.New("all numbers of accounts below 500 are taken: create the user yourself")
}
