package logsink

import (
	"context"
	"log/slog"
	"slices"
)

// core has what all loggers of a Sink share.
type core struct {
	style  style
	least  slog.LevelVar // the least severe level that is logged
	fields func(name string, attrs []slog.Attr) map[string]string
	queue  *queue
}

// trace is the level below debug. Lower levels count as trace, too.
const trace = slog.LevelDebug - 4

// log queues a line. Its attrs are flat and resolved.
func (c *core) log(level slog.Level, name, msg string, attrs []slog.Attr) {
	c.queue.add(c.line(round(level), name, msg, attrs))
}

func (c *core) line(level slog.Level, name, msg string, attrs []slog.Attr) line {
	l := line{level: level, text: c.style.render(level, name, msg, attrs)}
	if c.fields != nil {
		l.fields = c.fields(name, attrs)
	}
	return l
}

// round returns l, or the next lower one of the five levels that have names.
func round(l slog.Level) slog.Level {
	switch {
	case l < slog.LevelDebug:
		return trace
	case l < slog.LevelInfo:
		return slog.LevelDebug
	case l < slog.LevelWarn:
		return slog.LevelInfo
	case l < slog.LevelError:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// handler is a slog.Handler.
type handler struct {
	core   *core
	prefix string      // of the open groups: "a.b."
	attrs  []slog.Attr // from WithAttrs, flat and resolved
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.core.least.Level()
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	attrs := make([]slog.Attr, len(h.attrs), len(h.attrs)+r.NumAttrs())
	copy(attrs, h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = flatten(attrs, h.prefix, a)
		return true
	})
	h.core.log(r.Level, "", r.Message, attrs)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := slices.Clone(h.attrs)
	for _, a := range attrs {
		all = flatten(all, h.prefix, a)
	}
	return &handler{h.core, h.prefix, all}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{h.core, h.prefix + name + ".", h.attrs}
}

// flatten appends a to attrs by the rules of [slog.Handler]: it resolves values, leaves out an
// empty attribute and an empty group, and inlines a group without a name.
func flatten(attrs []slog.Attr, prefix string, a slog.Attr) []slog.Attr {
	v := a.Value.Resolve()
	switch {
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			attrs = flatten(attrs, prefix, inner)
		}
		return attrs
	case a.Key == "" && v.Equal(slog.Value{}):
		return attrs
	}
	return append(attrs, slog.Attr{Key: prefix + a.Key, Value: v})
}
