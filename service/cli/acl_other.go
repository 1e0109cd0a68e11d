//go:build unix && !linux

package cli

// hasACL reports false, because such a list cannot be read here. The mode counts alone.
func hasACL(string) bool { return false }
