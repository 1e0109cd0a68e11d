package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A logger is one way to write lines of a log to a file at path. open returns what writes one
// line, and what returns when all are written.
type logger struct {
	name string
	open func(path string) (say func() error, end func() error, err error)
}

// logLine is about as long as a line that the others write.
const logLine = `2026-01-02T15:04:05.678+0100 [INFO]  request served: method=GET path=/index.html status=200` + "\n"

func sayBy(l *slog.Logger) func() error {
	return func() error {
		l.Info("request served", "method", "GET", "path", "/index.html", "status", 200)
		return nil
	}
}

func writeRaw(path string) (func() error, func() error, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	line := []byte(logLine)
	return func() error { _, err := f.Write(line); return err }, f.Close, nil
}

func writeSlog(format string) func(string) (func() error, func() error, error) {
	return func(path string) (func() error, func() error, error) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, err
		}
		var handler slog.Handler = slog.NewTextHandler(f, nil)
		if format == "json" {
			handler = slog.NewJSONHandler(f, nil)
		}
		return sayBy(slog.New(handler)), f.Close, nil
	}
}

func writeSink(o logsink.Options) func(string) (func() error, func() error, error) {
	return func(path string) (func() error, func() error, error) {
		if o.Sink == "file" {
			o.File = path
		}
		sink, err := logsink.Open("bench", o)
		if err != nil {
			return nil, nil, err
		}
		end := func() error { // a busy machine may need longer than Close waits
			ctx, done := context.WithTimeout(context.Background(), patience)
			defer done()
			return errors.Join(sink.Flush(ctx), sink.Close())
		}
		return sayBy(sink.Slog()), end, nil
	}
}

// measureLogs measures the lines of a log, until they are written.
func measureLogs(ctx context.Context, h *harness) ([]*table, error) {
	var tables []*table
	for _, of := range []struct {
		title, format string
	}{{"log: a line to a file", "text"}, {"log: a line to a file as JSON", "json"}} {
		t := &table{title: of.title + ", " + h.places[0].name, unit: "µs"}
		for round := range h.warm + h.rounds {
			for _, l := range []logger{
				{"log/slog", writeSlog(of.format)},
				{"raw writes", writeRaw},
				{"holdfast", writeSink(logsink.Options{Sink: "file", Format: of.format})},
			} {
				took, err := l.lines(filepath.Join(h.places[0].dir, "log"), h.lines)
				if err := errors.Join(context.Cause(ctx), err); err != nil {
					return nil, fmt.Errorf("%s: %w", l.name, err)
				}
				if round >= h.warm {
					t.add(l.name, microseconds(took))
				}
			}
		}
		t.row("holdfast").target = ratioOf(2)
		tables = append(tables, t)
	}
	return tables, nil
}

// lines returns the average time of n lines to a new file.
func (l logger) lines(path string, n int) (took time.Duration, err error) {
	say, end, err := l.open(path)
	if err != nil {
		return 0, err
	}
	if path != "" {
		defer func() { err = errors.Join(err, os.Remove(path)) }()
	}
	begun := time.Now()
	for range n {
		if err := say(); err != nil {
			return 0, errors.Join(err, end())
		}
	}
	err = end()
	return time.Since(begun) / time.Duration(n), err
}
