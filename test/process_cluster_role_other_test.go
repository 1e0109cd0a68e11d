//go:build !linux && !darwin

package test_test

import "github.com/holdfast-dev/holdfast/service"

// cluster returns none: no test needs it here.
func (plan) cluster() service.Cluster { return nil }
