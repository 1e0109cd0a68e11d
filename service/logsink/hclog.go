package logsink

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"

	"github.com/hashicorp/go-hclog"
)

// logger is an hclog.Logger that logs to a core.
type logger struct {
	hclog.Logger // keeps the level, the name and the pairs of With; writes nothing
	core         *core
}

func newLogger(c *core, level hclog.Level) *logger {
	l := &logger{hclog.New(&hclog.LoggerOptions{Output: io.Discard}), c}
	l.SetLevel(level)
	return l
}

func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	at := fromHclog(level)
	if at < l.core.least.Level() {
		return
	}
	implied := l.ImpliedArgs()
	attrs := make([]slog.Attr, 0, (len(implied)+len(args)+1)/2)
	l.core.log(at, l.Name(), msg, pairs(pairs(attrs, implied), args))
}

func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

// SetLevel sets the level of all loggers of the Sink, those of hclog and those of slog.
func (l *logger) SetLevel(level hclog.Level) {
	l.Logger.SetLevel(level)
	switch level {
	case hclog.NoLevel, hclog.Trace:
		l.core.least.Set(math.MinInt) // slog has levels below trace
	case hclog.Off:
		l.core.least.Set(math.MaxInt)
	default:
		l.core.least.Set(fromHclog(level))
	}
}

func (l *logger) With(args ...any) hclog.Logger {
	var strings []any // hclog's With panics on a key that is no string
	for _, a := range pairs(nil, args) {
		strings = append(strings, a.Key, a.Value.Any())
	}
	return &logger{l.Logger.With(strings...), l.core}
}

func (l *logger) Named(name string) hclog.Logger {
	return &logger{l.Logger.Named(name), l.core}
}

func (l *logger) ResetNamed(name string) hclog.Logger {
	return &logger{l.Logger.ResetNamed(name), l.core}
}

func (l *logger) StandardLogger(opts *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(opts), "", 0)
}

// StandardWriter uses an InterceptLogger, because hclog parses "[WARN] ..." lines only for
// loggers of its own.
func (l *logger) StandardWriter(opts *hclog.StandardLoggerOptions) io.Writer {
	if opts == nil {
		opts = &hclog.StandardLoggerOptions{}
	}
	std := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	std.RegisterSink(Adapter(l))
	return std.StandardWriter(opts)
}

// Adapter returns a sink that passes the lines of another hclog logger on to the logger to,
// for example that of a [Sink]. The level of to applies. Pass the result to the RegisterSink
// method of the other logger, which has to be an [hclog.InterceptLogger].
func Adapter(to hclog.Logger) hclog.SinkAdapter { return adapter{to} }

type adapter struct{ to hclog.Logger }

func (a adapter) Accept(name string, level hclog.Level, msg string, args ...any) {
	to := a.to
	if name != "" {
		to = to.Named(name)
	}
	to.Log(level, msg, args...)
}

// pairs appends args, which are keys and values, to attrs. A value without a key gets the key
// that hclog gives it.
func pairs(attrs []slog.Attr, args []any) []slog.Attr {
	for ; len(args) > 1; args = args[2:] {
		key, ok := args[0].(string)
		if !ok {
			key = fmt.Sprint(args[0])
		}
		attrs = flatten(attrs, "", slog.Any(key, args[1]))
	}
	if len(args) == 0 {
		return attrs
	}
	if _, ok := args[0].(hclog.CapturedStacktrace); ok {
		return append(attrs, slog.Any("stacktrace", args[0]))
	}
	return append(attrs, slog.Any(hclog.MissingKey, args[0]))
}

func fromHclog(l hclog.Level) slog.Level {
	switch l {
	case hclog.Trace:
		return trace
	case hclog.Debug:
		return slog.LevelDebug
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error, hclog.Off: // Off is above every level
		return slog.LevelError
	}
	return slog.LevelInfo
}
