package logsink

import (
	"context"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// handler is a slog.Handler that logs to hclog.
type handler struct {
	log    *logger
	prefix string // the open groups, "a.b."
	attrs  []any  // pairs from WithAttrs, resolved
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return fromSlog(level) >= h.log.GetLevel()
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	args := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		args = appendAttr(args, h.prefix, a)
		return true
	})
	h.log.Log(fromSlog(r.Level), r.Message, args...)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := slices.Clone(h.attrs)
	for _, a := range attrs {
		all = appendAttr(all, h.prefix, a)
	}
	return &handler{h.log, h.prefix, all}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{h.log, h.prefix + name + ".", h.attrs}
}

// appendAttr follows the rules of [slog.Handler]: values are resolved, an empty
// attribute and an empty group are left out, a group without a name is inlined.
func appendAttr(args []any, prefix string, a slog.Attr) []any {
	v := a.Value.Resolve()
	switch {
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			args = appendAttr(args, prefix, inner)
		}
		return args
	case a.Key == "" && v.Equal(slog.Value{}):
		return args
	}
	return append(args, prefix+a.Key, v.Any())
}

func fromSlog(l slog.Level) hclog.Level {
	switch {
	case l < slog.LevelDebug:
		return hclog.Trace
	case l < slog.LevelInfo:
		return hclog.Debug
	case l < slog.LevelWarn:
		return hclog.Info
	case l < slog.LevelError:
		return hclog.Warn
	}
	return hclog.Error
}
