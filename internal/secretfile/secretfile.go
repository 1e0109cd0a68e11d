// Package secretfile reads secrets from files that only the service's user should read.
package secretfile

import (
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// limit is enough for any secret that is one line.
const limit = 8 << 10

// Read returns the line in the file at path. It refuses a file that anybody but the service's
// user, its group and root could read. The error does not contain the secret.
func Read(path string) (string, error) {
	f, err := files.OpenToRead(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = private(path, info)
	}
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(b))
	if len(b) > limit || secret == "" || strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%s: %w: it has to have one line, of at most %d bytes", path, files.ErrMalformed, limit)
	}
	return secret, nil
}

// Check returns what Read has against the access to the file at path.
func Check(path string) error {
	f, err := files.OpenToRead(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return private(path, info)
}
