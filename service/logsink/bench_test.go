package logsink_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "feedd.log")
	for name, o := range map[string]logsink.Options{
		"stderr": {}, "json": {Format: "json"}, "journald": {Sink: "journald"}, "file": {File: path},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := logsink.Open("feedd", o)
				if err != nil {
					b.Skip(err)
				}
				_ = s.Close()
			}
		})
	}
}

func bySlog(b *testing.B, l *slog.Logger) {
	b.ReportAllocs()
	for b.Loop() {
		l.Info("request served", "method", "GET", "path", "/index.html", "status", 200)
	}
}

func BenchmarkLog(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	send := func(string, int, map[string]string) error { return nil }
	log := func(b *testing.B, l hclog.Logger) {
		b.ReportAllocs()
		for b.Loop() {
			l.Info("request served", "method", "GET", "path", "/index.html", "status", 200)
		}
	}
	b.Run("hclog", func(b *testing.B) {
		log(b, hclog.New(&hclog.LoggerOptions{Output: null}))
	})
	for name, h := range map[string]slog.Handler{"text": slog.NewTextHandler(null, nil), "json": slog.NewJSONHandler(null, nil)} {
		b.Run("log/slog "+name, func(b *testing.B) { bySlog(b, slog.New(h)) })
	}
	for name, o := range map[string]logsink.Options{"text": {}, "json": {Format: "json"}, "journald": {Sink: "journald"}} {
		s, err := logsink.OpenWith("feedd", o, logsink.Outside{Stderr: null, Journal: send})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { log(b, s.Logger()) })
		b.Run(name+" by slog", func(b *testing.B) { bySlog(b, s.Slog()) })
	}
}

// BenchmarkBelowLevel measures a Debug that is not logged, while other goroutines log.
func BenchmarkBelowLevel(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	s, err := logsink.OpenWith("feedd", logsink.Options{}, logsink.Outside{Stderr: null})
	if err != nil {
		b.Fatal(err)
	}
	intercept := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Info, Output: io.Discard})
	intercept.RegisterSink(hclog.NewSinkAdapter(&hclog.LoggerOptions{Level: hclog.Info, Output: null}))
	for name, l := range map[string]hclog.Logger{"logsink": s.Logger(), "hclog intercept": intercept} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l.Debug("request served", "method", "GET")
				}
			})
		})
	}
}
