//go:build !unix

package cli

// exposed says who else than administrators and this user could have changed the file at path.
func exposed(path string) string { return alterable(path) }
