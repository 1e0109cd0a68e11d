//go:build unix

package supervise

import (
	"fmt"
	"strconv"
	"syscall"

	users "github.com/holdfast-dev/holdfast/internal/account"
)

// An account is the user and the groups that the service gets, with the user's environment
// variables.
type account struct {
	uid, gid  int // -1: unchanged
	groups    []int
	variables []string
}

// account looks up the names. Without cgo, the lookup reads only
// /etc/passwd and /etc/group: see package internal/account.
func (s Spawn) account() (account, error) {
	a := account{uid: -1, gid: -1}
	if s.User == "" && s.Group == "" && len(s.Groups) == 0 {
		return a, nil
	}
	if s.User != "" {
		if err := a.find(s.User, s.Group != ""); err != nil {
			return a, fmt.Errorf("user %q: %w: %w", s.User, ErrImpossible, err)
		}
	}
	if s.Group != "" {
		gid, err := findGroup(s.Group)
		if err != nil {
			return a, err
		}
		a.gid = gid
	}
	for _, name := range s.Groups {
		gid, err := findGroup(name)
		if err != nil {
			return a, err
		}
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

func (a *account) find(name string, grouped bool) error {
	u, err := users.User(name)
	if number, e := strconv.Atoi(name); err != nil && e == nil && grouped {
		a.uid = number // a number without an entry is fine, but it has no group of its own
		return nil
	}
	if err != nil {
		return err
	}
	if a.uid, err = strconv.Atoi(u.Uid); err != nil {
		return err
	}
	if a.gid, err = strconv.Atoi(u.Gid); err != nil {
		return err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return err
	}
	for _, id := range ids {
		gid, err := strconv.Atoi(id)
		if err != nil {
			return err
		}
		a.groups = append(a.groups, gid)
	}
	a.variables = []string{"USER=" + u.Username, "LOGNAME=" + u.Username, "HOME=" + u.HomeDir}
	return nil
}

func findGroup(name string) (int, error) {
	gid, err := users.GID(name)
	if err != nil {
		return 0, fmt.Errorf("group %q: %w: %w", name, ErrImpossible, err)
	}
	return gid, nil
}

// become changes all threads: golang.org/issue/1435. The user comes last, because afterwards
// the process may not change its groups any more.
func (a account) become() error {
	if a.uid >= 0 || a.gid >= 0 || a.groups != nil {
		if err := syscall.Setgroups(a.groups); err != nil {
			return fmt.Errorf("become the service's user: groups: %w", err)
		}
	}
	if a.gid >= 0 {
		if err := syscall.Setgid(a.gid); err != nil {
			return fmt.Errorf("become the service's user: group %d: %w", a.gid, err)
		}
	}
	if a.uid >= 0 {
		if err := syscall.Setuid(a.uid); err != nil {
			return fmt.Errorf("become the service's user: user %d: %w", a.uid, err)
		}
	}
	return nil
}
