//go:build !unix

package native

func closeOnExec(int) {}
