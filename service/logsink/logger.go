package logsink

import (
	"io"
	"log"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// logger is an hclog.Logger that hands its lines, as data, to a SinkAdapter.
//
// Why not hclog's own InterceptLogger: it asks its sinks about lines that are
// below the level too, under the lock that is held while they write, so that a
// Debug that logs nothing would wait for the disk.
type logger struct {
	hclog.Logger // keeps name, With pairs and the level that all children share; writes nothing
	to           hclog.SinkAdapter
}

func newLogger(level hclog.Level, to hclog.SinkAdapter) *logger {
	return &logger{hclog.New(&hclog.LoggerOptions{Level: level, Output: io.Discard}), to}
}

func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	if level < l.GetLevel() {
		return
	}
	// min: hclog has no way to print, and panics when colouring, what is above Error.
	l.to.Accept(l.Name(), min(level, hclog.Error), msg, slices.Concat(l.ImpliedArgs(), pairs(args))...)
}

func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *logger) With(args ...any) hclog.Logger {
	// hclog's With panics on a key that is no string.
	return &logger{l.Logger.With(pairs(args)...), l.to}
}

func (l *logger) Named(name string) hclog.Logger {
	return &logger{l.Logger.Named(name), l.to}
}

func (l *logger) ResetNamed(name string) hclog.Logger {
	return &logger{l.Logger.ResetNamed(name), l.to}
}

func (l *logger) StandardLogger(opts *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(opts), "", 0)
}

// StandardWriter goes through an InterceptLogger, because hclog gives its
// reading of "[WARN] ..." lines to its own loggers only.
func (l *logger) StandardWriter(opts *hclog.StandardLoggerOptions) io.Writer {
	if opts == nil {
		opts = &hclog.StandardLoggerOptions{}
	}
	std := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	std.RegisterSink(&adapter{l})
	return std.StandardWriter(opts)
}

// adapter is a logger as a sink of another.
type adapter struct{ log *logger }

func (a *adapter) Accept(_ string, level hclog.Level, msg string, args ...any) {
	a.log.Log(level, msg, args...)
}
