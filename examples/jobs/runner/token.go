package runner

import (
	"fmt"
	"os"
	"strings"
)

// readToken returns the token in the file at path, which only its owner may read. It returns
// "" without a path.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	if forOthers(info) {
		return "", fmt.Errorf("token_file %s: others can read it: chmod 600", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 16 {
		return "", fmt.Errorf("token_file %s: %d characters are too few: at least 16, from a random source", path, len(token))
	}
	return token, nil
}
