//go:build !unix

package kardianos

func appendTo(string, int) {}
