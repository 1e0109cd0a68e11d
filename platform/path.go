package platform

import "strings"

// AbsoluteAnywhere tells whether the path p is absolute on some system that we have a
// manager for: /srv/feedd, C:\feedd, \\server\feedd. Plans are made anywhere.
func AbsoluteAnywhere(p string) bool {
	drive := len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
	return drive || strings.HasPrefix(p, `\\`) || strings.HasPrefix(p, "/")
}
