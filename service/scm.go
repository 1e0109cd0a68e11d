package service

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// scm is the name of the host of a process that the Windows service control manager started.
const scm = "scm"

// overlap returns how long a process waits for its predecessor to end. The SCM considers a
// service stopped as soon as the service says so, and may start it again while the old process
// is still ending.
func overlap(host platform.Host) time.Duration {
	if host.Name() == scm {
		return platform.StopMargin
	}
	return 0
}

// logOptions returns o, with the Event Log as sink if none is chosen and standard error cannot
// be read. A Windows service has no standard error.
func logOptions(o logsink.Options, host platform.Host) logsink.Options {
	if host.Name() == scm && o.File == "" && (o.Sink == "" || o.Sink == "auto") {
		o.Sink = "eventlog"
	}
	return o
}
