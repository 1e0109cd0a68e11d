package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A textfile writes metrics for node_exporter.
type textfile struct {
	*source
	path     string
	mode     fs.FileMode
	interval time.Duration
	gather   prometheus.Gatherer
	failing  bool
}

func newTextfile(s *source, o *settings, g prometheus.Gatherer) *textfile {
	m, err := mode(o.TextfileMode)
	if err != nil { // impossible: Validate refuses it
		m = 0o644
	}
	return &textfile{source: s, path: o.Textfile, mode: m, interval: o.TextfileInterval, gather: g}
}

// write writes the file at each interval, and a last time when ctx ends.
func (t *textfile) write(ctx context.Context) {
	tick := time.NewTicker(t.interval)
	defer tick.Stop()
	for {
		t.once()
		select {
		case <-ctx.Done():
			t.once()
			return
		case <-tick.C:
		}
	}
}

// once writes the file. It logs when writing begins to fail and when it succeeds again.
func (t *textfile) once() {
	content, err := t.content()
	if err == nil {
		err = files.Replace(t.path, content, t.mode, false)
	}
	switch {
	case err == nil && t.failing:
		t.log.Info("the metrics file is written again", "textfile", t.path)
	case err != nil && !t.failing:
		hint := ""
		if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
			hint = "let the service's user write to the directory, and list it in read_write_paths of [service.hardening]"
		}
		t.log.Warn("the metrics file cannot be written: trying again", "textfile", t.path, "error", err, "hint", hint)
	}
	t.failing = err != nil
}

// content returns everything that can be gathered. A faulty collector of the program loses
// only its own metrics.
func (t *textfile) content() ([]byte, error) {
	families, err := t.gather.Gather()
	if err != nil && len(families) == 0 {
		return nil, fmt.Errorf("gather: %w", err)
	}
	var b bytes.Buffer
	for _, f := range families {
		t.name(f)
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.GetName(), err)
		}
	}
	return b.Bytes(), nil
}

// name adds a label with the service's name to each metric of f, because one scrape combines
// the files of all services of a machine.
func (t *textfile) name(f *dto.MetricFamily) {
	for _, m := range f.GetMetric() {
		named := false
		for _, l := range m.GetLabel() {
			named = named || l.GetName() == "service"
		}
		if !named {
			key, value := "service", t.id
			m.Label = append(m.Label, &dto.LabelPair{Name: &key, Value: &value})
		}
	}
}
