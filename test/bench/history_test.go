package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is remembered is read again, and drawn.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if all, err := history(path); len(all) > 0 || err != nil {
		t.Errorf("without a file: %v, %v", all, err)
	}
	ready := &table{title: "exec -> READY, tmpfs"}
	for _, v := range []float64{2, 4, 6} {
		ready.add("bare", v)
		ready.add("cli.Main", 2*v)
	}
	ready.row("kardianos/service").note = "not measured"
	none := &table{title: "lock", rows: []*row{{name: "raw"}}}
	for _, version := range []string{"v1.0.0", "v1.1.0 <&>"} {
		if err := remember(path, pastOf(version, time.Unix(0, 0), 3, []*table{ready, none})); err != nil {
			t.Fatal(err)
		}
	}
	size := &table{title: "binary size"}
	size.add("bare", 1)
	size.add("cli.Main", 3)
	if err := remember(path, pastOf("v1.1.0 <&>", time.Unix(0, 0), 5, []*table{size})); err != nil {
		t.Fatal(err)
	}
	all, err := history(path)
	if err != nil || len(all) != 2 || all[0].Version != "v1.0.0" || all[1].Rounds != 3 || len(all[0].Ratios) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if got := all[1].Ratios["exec -> READY, tmpfs"]; len(got) != 1 || got["cli.Main"] != 2 {
		t.Errorf("%v", got)
	}
	if got := all[1].Ratios["binary size"]["cli.Main"]; got != 3 {
		t.Errorf("a part that was measured later: %v", got)
	}
	if first := trend(all[:1]); !strings.Contains(first, `<circle cx="255.0"`) {
		t.Errorf("a single version is not in the middle:\n%s", first)
	}
	picture := trend(all)
	for _, want := range []string{"v1.0.0", "v1.1.0 &lt;&amp;&gt;", "2.00  exec -&gt; READY, tmpfs", `points="40.0,40.0 470.0,40.0"`} {
		if !strings.Contains(picture, want) {
			t.Errorf("it has no %q:\n%s", want, picture)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, picture)
		}
	}
	if err := os.WriteFile(path, []byte("{}\nno\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := history(path); err == nil || !strings.Contains(err.Error(), "history.jsonl:2") {
		t.Errorf("a damaged one: %v", err)
	}
}
