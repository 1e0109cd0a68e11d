//go:build !linux

package kept

import "os"

func rawDuplicate(*os.File) (int, error) { return -1, unsupported("only Linux passes them on") }

func asFile(int, string) (*os.File, error) { return nil, unsupported("only Linux passes them on") }

func closeRaw(int) {}

func same(int, int) bool { return false }

func hungUp(int) bool { return false }
