package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	o := options{rounds: 30, settle: 100 * time.Millisecond, flags: []string{"-trimpath"}, amounts: full()}
	flag.IntVar(&o.rounds, "rounds", o.rounds, "how often everything is measured")
	flag.DurationVar(&o.settle, "settle", o.settle, "how long a program idles before it is asked for something")
	flag.DurationVar(&o.idle, "idle", o.idle, "how long wake-ups of idle programs are counted")
	flag.StringVar(&o.only, "only", "", "measure only these `parts`, separated by commas: go doc . has their names")
	flag.StringVar(&o.disk, "disk", os.TempDir(), "a `directory` on a disk")
	flag.StringVar(&o.tmpfs, "tmpfs", "/dev/shm", "a `directory` on a tmpfs; left out if it is none")
	record := flag.String("record", "", "add the ratios to history/history.jsonl as those of a `version`, and draw history/trend.svg anew")
	flag.Parse()
	if isHolder() {
		hold()
		return
	}
	if isInside() {
		if err := inside(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Ctrl-C reaches the programs, too. Clean up afterwards.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	tables, err := measure(ctx, o)
	stop()
	for _, t := range tables {
		fmt.Println(t)
	}
	if err == nil && *record != "" {
		err = remembered(pastOf(*record, time.Now(), o.rounds, tables))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// remembered adds a line to the history of this folder, and draws its trend.
func remembered(p past) error {
	const path = "history/history.jsonl"
	if err := os.MkdirAll("history", 0o755); err != nil {
		return err
	}
	if err := remember(path, p); err != nil {
		return err
	}
	all, err := history(path)
	if err != nil {
		return err
	}
	return os.WriteFile("history/trend.svg", []byte(trend(all)), 0o644)
}

// options say what to measure.
type options struct {
	rounds      int
	settle      time.Duration
	only        string
	disk, tmpfs string
	flags       []string // of the builds of the programs
	amounts
}
