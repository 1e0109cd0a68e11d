package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	users "github.com/holdfast-dev/holdfast/internal/account"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
)

// An account is the user that the service runs as.
type account struct {
	name   string // empty: the caller, or a user that cannot be known beforehand
	uid    string
	gids   []string
	bypass bool // reads every file, whatever its mode
}

// accounts looks up users and groups. If a name is unknown, the error is errNoAccount.
type accounts struct {
	User  func(ctx context.Context, name string) (uid string, gids []string, err error)
	Group func(ctx context.Context, name string) (gid string, err error)
}

var errNoAccount = errors.New("there is no such account")

// account returns the account that the service will run as. It is an error if the user or the
// group does not exist.
func (t *target) account(ctx context.Context) (account, error) {
	c := t.cfg
	if t.id.Scope != platform.ScopeSystem || t.manager != nil && t.manager.Name() == "scm" || dynamicUser(c) {
		return account{}, nil
	}
	a := account{name: "root", uid: "0", gids: []string{"0"}}
	a.bypass = t.manager == nil || t.manager.Name() != "systemd" || readsAll(c.Hardening.Capabilities)
	var errs []error
	if c.User != "" && c.User != "root" {
		uid, gids, err := t.Accounts.User(ctx, c.User)
		if err != nil && t.willMake("user", c.User) {
			return account{}, nil // a new user can read what everybody can read
		}
		if err != nil {
			errs = append(errs, c.ErrorAt("service.user", missing("user", c.User, err)))
		}
		a = account{name: c.User, uid: uid, gids: gids, bypass: readsAll(c.Hardening.Capabilities)}
	}
	if c.Group != "" {
		gid, err := t.Accounts.Group(ctx, c.Group)
		if err != nil && !t.willMake("group", c.Group) {
			errs = append(errs, c.ErrorAt("service.group", missing("group", c.Group, err)))
		}
		a.gids = append(a.gids, gid)
	}
	for _, name := range c.Hardening.SupplementaryGroups {
		gid, err := t.Accounts.Group(ctx, name)
		if err != nil {
			errs = append(errs, c.ErrorAt("service.hardening.supplementary_groups", missing("group", name, err)))
		}
		a.gids = append(a.gids, gid)
	}
	return a, errors.Join(errs...)
}

// dynamicUser reports whether systemd makes the account when the service starts.
func dynamicUser(c service.Config) bool {
	return slices.ContainsFunc(c.Systemd.Extra, func(line string) bool {
		key, value, _ := strings.Cut(line, "=")
		return strings.TrimSpace(key) == "DynamicUser" && slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(strings.TrimSpace(value)))
	})
}

// readsAll reports whether these capabilities let the service read all files: capabilities(7).
func readsAll(capabilities []string) bool {
	return slices.ContainsFunc(capabilities, func(name string) bool {
		return name == "all" || name == "CAP_DAC_OVERRIDE" || name == "CAP_DAC_READ_SEARCH"
	})
}

// missing returns an error that says what to do about a missing account.
func missing(kind, name string, err error) error {
	if !errors.Is(err, errNoAccount) {
		return fmt.Errorf("%s %q: %w", kind, name, err)
	}
	command := "useradd --system --no-create-home --shell /usr/sbin/nologin " + name
	if kind == "group" {
		command = "groupadd --system " + name
	}
	return &noAccountError{kind, name, command}
}

// A noAccountError names a missing account, and the command that creates it.
type noAccountError struct{ kind, name, command string }

func (e *noAccountError) Error() string {
	return fmt.Sprintf("there is no %s %q: create it (%s), or name another", e.kind, e.name, e.command)
}

func (e *noAccountError) Unwrap() error { return errNoAccount }

// thisMachinesAccounts asks the standard library, which without cgo reads /etc/passwd and
// /etc/group. Then it asks getent(1), which knows all other sources.
func thisMachinesAccounts() accounts {
	return accounts{
		User: func(ctx context.Context, name string) (string, []string, error) {
			u, err := users.User(name)
			if err != nil {
				return otherUser(ctx, name)
			}
			gids, err := u.GroupIds()
			if err != nil {
				gids = []string{u.Gid}
			}
			return u.Uid, gids, nil
		},
		Group: func(ctx context.Context, name string) (string, error) {
			if gid, err := users.GID(name); err == nil {
				return strconv.Itoa(gid), nil
			}
			fields, err := getent(ctx, "group", name)
			if err != nil {
				return "", err
			}
			return fields[2], nil
		},
	}
}

func otherUser(ctx context.Context, name string) (string, []string, error) {
	if _, err := strconv.Atoi(name); err == nil { // a number without an entry is fine
		return name, nil, nil
	}
	fields, err := getent(ctx, "passwd", name)
	if err != nil {
		return "", nil, err
	}
	return fields[2], []string{fields[3]}, nil
}

// getent returns the entry of a name in a database of the C library.
func getent(ctx context.Context, database, name string) ([]string, error) {
	if strings.HasPrefix(name, "-") {
		return nil, errNoAccount
	}
	out, err := native.System{}.Run(ctx, "getent", database, name)
	fields := strings.Split(strings.TrimSpace(out), ":")
	if err != nil || len(fields) < 4 {
		return nil, errNoAccount
	}
	return fields, nil
}
