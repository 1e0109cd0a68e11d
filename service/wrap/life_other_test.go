//go:build unix && !linux

package wrap_test

// nobody has nothing to look into here.
func (l *life) nobody() { l.t.Helper() }

func headless(string, []string) int { return 1 } // there is no such thing here

func hostile(string, []string) int { return 1 } // it is Linux that can end such
