//go:build windows

// Package windows_test drives programs made with holdfast through their command line and the
// service control manager of this machine: Windows, or Wine (see test/winexec). It registers
// services with names of its own and removes them.
//
// The tests need an Administrator's rights. For users without them see requireVariable, for
// machines without Go see programsVariable.
package windows_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// This binary is also the program that runs under the manager: without a flag of go test it is
// a main function.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(play())
	}
	// On Wine, two clients that connect at the same moment, while no other is connected, get
	// invalid handles. So one client stays connected until the end.
	_, _ = mgr.Connect()
	os.Exit(m.Run())
}

func play() int {
	if v := versionOfThis(); len(v) == 3 {
		return versionMain(v[0], v[1], v[2])
	}
	switch os.Args[1] {
	case "foreign":
		return foreignMain()
	case "wrapped":
		return wrappedMain(os.Args[2])
	case "ctrl-C":
		return keysMain(windows.CTRL_C_EVENT)
	case "ctrl-Break":
		return keysMain(windows.CTRL_BREAK_EVENT)
	}
	return feeddMain()
}
