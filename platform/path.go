package platform

import (
	"path"
	"strings"
)

// AbsoluteAnywhere reports whether the path p is absolute on some system that we have a
// manager for: /srv/feedd, C:\feedd, \\server\feedd. Plans are made anywhere.
func AbsoluteAnywhere(p string) bool { return windows(p) || strings.HasPrefix(p, "/") }

// windows reports whether p is absolute on Windows and nowhere else.
func windows(p string) bool {
	drive := len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
	return drive || strings.HasPrefix(p, `\\`)
}

// DirAnywhere is the directory of the file at p, which is absolute on some system:
// what filepath.Dir is there.
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
