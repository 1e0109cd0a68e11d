//go:build unix && !linux

package wrap_test

// nobody does nothing, because this system has no /proc.
func (l *life) nobody() { l.t.Helper() }

func headless(string, []string) int { return 1 } // only Linux shows such a process

func hostile(string, []string) int { return 1 } // only Linux can kill such a process

func stores(string, []string) int { return 1 } // only Linux keeps descriptors
