package service

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// scm is the name of the Windows service control manager as who started us.
const scm = "scm"

// overlap is how long a process waits for the one before it. The SCM takes a
// service for stopped when the service says so, and may start it again while the
// process is still about to end.
func overlap(host platform.Host) time.Duration {
	if host.Name() == scm {
		return platform.StopMargin
	}
	return 0
}

// logOptions are o, and the Event Log where nobody has chosen a sink and nobody
// could read standard error: a Windows service has none.
func logOptions(o logsink.Options, host platform.Host) logsink.Options {
	if host.Name() == scm && o.File == "" && (o.Sink == "" || o.Sink == "auto") {
		o.Sink = "eventlog"
	}
	return o
}
