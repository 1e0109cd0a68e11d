//go:build !windows

package scm

import (
	"errors"
	"fmt"
)

// Local is the local machine, which has no SCM.
type Local struct{}

var _ Machine = Local{}

func none() error {
	return fmt.Errorf("the service control manager of Windows: %w", errors.ErrUnsupported)
}

// Query fails.
func (Local) Query(string) (Status, error) { return Status{}, none() }

// Config fails.
func (Local) Config(string) (Registration, error) { return Registration{}, none() }

// Create fails.
func (Local) Create(Registration) error { return none() }

// Change fails.
func (Local) Change(Registration) error { return none() }

// Delete fails.
func (Local) Delete(string) error { return none() }

// Start fails.
func (Local) Start(string) error { return none() }

// Control fails.
func (Local) Control(string, Control) error { return none() }

// Dependents fails.
func (Local) Dependents(string) ([]string, error) { return nil, none() }

// Process fails.
func (Local) Process(int) (Process, error) { return nil, none() }

// Source fails.
func (Local) Source(string) (Source, error) { return Source{}, none() }

// PutSource fails.
func (Local) PutSource(string, Source) error { return none() }

// Directory fails.
func (Local) Directory(string) (string, bool, error) { return "", false, none() }

// MakeDirectory fails.
func (Local) MakeDirectory(string, string) error { return none() }
