// Package account looks up users and groups, by name or number, as chown(1) takes them. Without
// cgo it reads /etc/passwd and /etc/group: users and groups that only another source knows
// must be given by number.
package account

import (
	"os/user"
	"strconv"
)

// User returns the entry of a user.
func User(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if _, e := strconv.Atoi(name); err != nil && e == nil {
		return user.LookupId(name)
	}
	return u, err
}

// UID returns the number of a user. A number needs no entry.
func UID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err == nil {
		name = u.Uid
	}
	return number(name, err)
}

// GID returns the number of a group. A number needs no entry.
func GID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err == nil {
		name = g.Gid
	}
	return number(name, err)
}

// number parses text. failed is the error if text is no number.
func number(text string, failed error) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n >= 0 {
		return n, nil
	}
	if failed == nil {
		failed = err
	}
	return -1, failed
}
