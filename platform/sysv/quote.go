package sysv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// quote makes s one word of a shell's, whatever is in it: between single quotes
// nothing has a meaning but the closing one, which is put outside ('\'').
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// words quotes a whole command line.
func words(argv []string) string {
	quoted := make([]string, 0, len(argv))
	for _, arg := range argv {
		quoted = append(quoted, quote(arg))
	}
	return strings.Join(quoted, " ")
}

var (
	errUTF8 = errors.New("is not valid UTF-8")
	errNUL  = errors.New("has a NUL character")
)

// checkWord refuses what no argument and no variable can hold, and what shells
// treat differently.
func checkWord(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errUTF8
	case strings.ContainsRune(s, 0):
		return errNUL
	}
	return nil
}

// checkLine refuses what is not one line, for comments.
func checkLine(s string) error {
	if err := checkWord(s); err != nil {
		return err
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("has a control character (a line break, for example)")
	}
	return nil
}

// checkVariable refuses what no shell can export, or keeps to itself.
func checkVariable(name string) error {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return errors.New("use letters, digits and '_', not beginning with a digit")
		}
	}
	switch name {
	case "":
		return errors.New("is empty")
	case "PPID", "UID", "EUID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "OPTIND", "LINENO", "RANDOM", "SECONDS":
		return fmt.Errorf("the shell keeps %s to itself", name)
	}
	return nil
}
