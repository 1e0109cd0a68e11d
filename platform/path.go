package platform

import (
	"path"
	"strings"
)

// AbsoluteAnywhere reports whether p is an absolute path on any system that holdfast has a
// manager for: /srv/feedd, C:\feedd, \\server\feedd. Plans can be made on one system for
// another.
func AbsoluteAnywhere(p string) bool { return windows(p) || strings.HasPrefix(p, "/") }

// windows reports whether p is absolute on Windows and nowhere else.
func windows(p string) bool {
	drive := len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
	return drive || strings.HasPrefix(p, `\\`)
}

// DirAnywhere returns the directory of p, which is an absolute path on any system. It works as
// filepath.Dir does on that system.
func DirAnywhere(p string) string {
	if !windows(p) {
		return path.Dir(p)
	}
	i := strings.LastIndexAny(p, `\/`)
	if i == len(`C:`) {
		i++ // C:\ is a directory, C: is not
	}
	return p[:i]
}
