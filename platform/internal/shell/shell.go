// Package shell writes values into scripts for a POSIX shell so that nothing in them is
// expanded, and refuses values that a script cannot contain. The rooms whose managers read
// scripts (initd, sysv, openrc) share it.
//
// Its output works in every version of sh: dash, bash, BusyBox.
package shell

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Quote makes s a single word, whatever it contains. Between single quotes only the closing
// quote is special; Quote puts quotes in s outside.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Words quotes a command line.
func Words(argv []string) string {
	quoted := make([]string, 0, len(argv))
	for _, arg := range argv {
		quoted = append(quoted, Quote(arg))
	}
	return strings.Join(quoted, " ")
}

// CheckWord refuses a string that no argument can contain, and one that is not valid text,
// which shells treat differently.
func CheckWord(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case strings.ContainsRune(s, 0):
		return errors.New("has a NUL character")
	}
	return nil
}

// CheckLine also refuses a string with more than one line. It is for comments.
func CheckLine(s string) error {
	if err := CheckWord(s); err != nil {
		return err
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("has a control character (a line break, for example)")
	}
	return nil
}

// CheckVariable refuses names that a shell cannot export, and names that dash, bash or BusyBox
// reserve.
func CheckVariable(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return errors.New("use letters, digits and '_', not beginning with a digit")
		}
	}
	switch name {
	case "PPID", "UID", "EUID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "OPTIND", "LINENO", "RANDOM", "SECONDS":
		return fmt.Errorf("the shell reserves %s", name)
	}
	return nil
}

// CheckAccount refuses names of users and groups with a character that has a meaning for
// chown(1), in lists or in flags.
func CheckAccount(name string) error {
	ok := name != "" && !strings.ContainsAny(name[:1], ".@-") && !strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.@-", c))
	})
	if !ok {
		return errors.New("is not a valid name of a user or group")
	}
	return nil
}
