package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// A past is one line of a history file: the ratios of one run to the first line of their
// table, round by round, by the title of the table and the contestant.
type past struct {
	Version string                        `json:"version"` // that was measured
	At      time.Time                     `json:"at"`
	Rounds  int                           `json:"rounds"`
	Ratios  map[string]map[string]float64 `json:"ratios"`
}

// pastOf returns what a history keeps of tables.
func pastOf(version string, at time.Time, rounds int, tables []*table) past {
	p := past{Version: version, At: at.UTC().Truncate(time.Second), Rounds: rounds, Ratios: map[string]map[string]float64{}}
	for _, t := range tables {
		base := t.rows[0].values
		if len(base) == 0 || slices.Min(base) <= 0 {
			continue
		}
		p.Ratios[t.title] = map[string]float64{}
		for _, r := range t.rows[1:] {
			if len(r.values) > 0 {
				p.Ratios[t.title][r.name] = float64(int(100*median(ratios(r.values, base))+0.5)) / 100
			}
		}
	}
	return p
}

// remember adds a line to the history at path. If the last one is of the same version, it is
// completed: the parts of a release need not be measured at once.
func remember(path string, p past) error {
	all, err := history(path)
	if err != nil {
		return err
	}
	if n := len(all); n > 0 && all[n-1].Version == p.Version {
		last := all[n-1]
		all = all[:n-1]
		maps.Copy(last.Ratios, p.Ratios)
		p.Ratios, p.Rounds = last.Ratios, min(p.Rounds, last.Rounds)
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, p := range append(all, p) {
		if err := encoder.Encode(p); err != nil {
			return err
		}
	}
	return os.WriteFile(path, lines.Bytes(), 0o644)
}

// history reads the history at path, the oldest first.
func history(path string) (all []past, err error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for n, line := range slices.Collect(bytes.Lines(content)) {
		var p past
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// The place of the trend in its picture, and what it shows.
const (
	trendWidth, trendHeight = 720, 320
	trendLeft, trendRight   = 40, 250
	trendTop, trendBottom   = 40, 30
	trendOf                 = "cli.Main"
)

func trended() []string {
	return []string{"exec -> READY, tmpfs", "SIGTERM -> reaped, tmpfs", "SIGHUP -> READY again, tmpfs", "processor time of a life, tmpfs", "page faults of a life, tmpfs", "idle RSS, tmpfs", "binary size, stripped"}
}

// trend draws how the ratios of cli.Main have changed, as SVG: one line a figure, one step a
// version.
func trend(all []past) string {
	most := 1.0
	for _, p := range all {
		for _, title := range trended() {
			most = max(most, p.Ratios[title][trendOf])
		}
	}
	x := func(i int) float64 { // a single version is in the middle
		part := 0.5
		if len(all) > 1 {
			part = float64(i) / float64(len(all)-1)
		}
		return trendLeft + part*(trendWidth-trendLeft-trendRight)
	}
	y := func(ratio float64) float64 {
		return trendHeight - trendBottom - ratio*(trendHeight-trendTop-trendBottom)/most
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", trendWidth, trendHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", trendWidth, trendHeight)
	fmt.Fprintf(&b, `<text x="%d" y="20">%s, as ratios to a bare program (1 = as fast)</text>`+"\n", trendLeft, trendOf)
	for ratio := 1.0; ratio <= most; ratio++ {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ccc"/><text x="8" y="%.1f">%gx</text>`+"\n", trendLeft, y(ratio), trendWidth-trendRight, y(ratio)+4, ratio)
	}
	for i, p := range all {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(i), trendHeight-8, html.EscapeString(p.Version))
	}
	for n, title := range trended() {
		hue := 360 * n / len(trended())
		var points []string
		var dots strings.Builder // one version makes no line
		last := 0.0
		for i, p := range all {
			if ratio, measured := p.Ratios[title][trendOf]; measured {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(ratio)))
				fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3" fill="hsl(%d 60%% 40%%)"/>`+"\n", x(i), y(ratio), hue)
				last = ratio
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="hsl(%d 60%% 40%%)" stroke-width="2"/>`+"\n", strings.Join(points, " "), hue)
		b.WriteString(dots.String())
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="hsl(%d 60%% 40%%)">%.2f  %s</text>`+"\n", trendWidth-trendRight+12, trendTop+20*n+12, hue, last, html.EscapeString(title))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
