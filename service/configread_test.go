package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
)

// loads are the two ways to read a configuration file.
func loads(path string) map[string]error {
	_, err := service.Config{Name: "feedd", File: path}.Load()
	return map[string]error{"Load": err, "DecodeTable": service.DecodeTable(path, "feed", &struct{}{})}
}

func wantRefused(t *testing.T, path, says string) {
	t.Helper()
	for by, err := range loads(path) {
		if !errors.Is(err, service.ErrConfig) || service.ExitCode(err) != 78 ||
			!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want that %s is %s", by, err, path, says)
		}
	}
}

func TestConfigurationHasToBeAFile(t *testing.T) {
	dir := t.TempDir()
	wantRefused(t, dir, "a directory")
	wantRefused(t, os.DevNull, "a configuration has to be a regular file")
	huge := filepath.Join(dir, "huge.toml")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<30); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, huge, "MiB")
}

// Links are followed: a configuration is often one into another directory.
func TestConfigurationMayBeALink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link.toml")
	if err := os.Symlink(write(t, "[service]\n[feed]\n"), link); err != nil {
		t.Skip("no links here: ", err)
	}
	if _, err := os.Stat(link); err != nil {
		t.Skip("links lead nowhere here, as on Wine: ", err)
	}
	if _, err := (service.Config{Name: "feedd", File: link, Tables: []string{"feed"}}).Load(); err != nil {
		t.Error(err)
	}
	if err := service.DecodeTable(link, "feed", &struct{}{}); err != nil {
		t.Error(err)
	}
}
