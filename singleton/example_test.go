//go:build linux || darwin || windows

package singleton_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A name has one holder at a time. A second process is told who holds it.
func ExampleAcquire() {
	dir, err := os.MkdirTemp("", "feedd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o := singleton.Options{Name: "feedd", Dir: dir, StateDir: dir, Origin: "by hand"}
	lock, err := singleton.Acquire(o)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = singleton.Acquire(o)
	var held *singleton.HeldError
	fmt.Println(errors.Is(err, singleton.ErrHeld), errors.As(err, &held) && held.Holder.PID == os.Getpid())

	fmt.Println(lock.Release())
	_, err = singleton.Probe(o)
	fmt.Println(errors.Is(err, singleton.ErrFree))
	// Output:
	// true true
	// <nil>
	// true
}
