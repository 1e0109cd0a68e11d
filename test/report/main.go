// Command report makes the output of `go test -json` readable while many tests run at once,
// and collects notes to repeat at the end.
//
//	go test -json ./... | report [-stage NAME] [-notes FILE] [-progress FILE]
//	report -end FILE
//
// It prints the output of go test package by package: the last line of each test, the whole
// output of a test that failed, and the package's own line. The exit code is 1 if something
// failed. Notes are appended to a file for the second form, which prints the tests that
// failed, were skipped, had to wait, and took longest. The progress file has one line about
// the progress.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout)) }

func run(args []string, in io.Reader, out io.Writer) int {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	stage := flags.String("stage", "", "`name` of this run of go test, before the names of its tests")
	notes := flags.String("notes", "", "append what is worth repeating to this `file`")
	progress := flags.String("progress", "", "keep a line about the progress in this `file`")
	end := flags.String("end", "", "print what the notes in this `file` say, and nothing else")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *end != "" {
		text, err := os.ReadFile(*end)
		if err == nil {
			_, err = io.WriteString(out, summary(string(text)))
		}
		return code(err)
	}
	r := reader{out: out, progress: func(string) {}}
	if *progress != "" {
		r.progress = func(line string) { _ = os.WriteFile(*progress, []byte(line+"\n"), 0o644) }
	}
	if err := r.read(in); err != nil {
		return code(err)
	}
	if *notes != "" {
		f, err := os.OpenFile(*notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return code(err)
		}
		defer f.Close()
		if _, err := io.WriteString(f, r.text(*stage)); err != nil { // in one write, because others append to the file, too
			return code(err)
		}
	}
	if r.failed {
		return 1
	}
	return 0
}

func code(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		return 1
	}
	return 0
}
