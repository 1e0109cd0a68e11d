// Command teller prints what it was given, and ends with code 7. With the argument "wait" it
// prints that and waits.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

func main() {
	dir, _ := os.Getwd()
	_, err := os.Stat("main.go")
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"os": runtime.GOOS, "args": os.Args[1:], "dir": dir, "source": err == nil,
		"ours": os.Getenv("HOLDFAST_WINEXEC_TEST"), "others": os.Getenv("LC_ALL"),
		"writable": os.WriteFile("new", nil, 0o600) == nil,
	})
	fmt.Fprintln(os.Stderr, "to standard error")
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		select {}
	}
	os.Exit(7)
}
