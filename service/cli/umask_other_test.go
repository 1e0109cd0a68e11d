//go:build !unix

package cli_test

import "testing"

func withUmask(*testing.T, int) {}
