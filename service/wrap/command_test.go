package wrap_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command is a program that knows nothing about holdfast, which the tests wrap.
func command(what string, args []string) int {
	dir := os.Getenv("LIFE")
	play, ok := commands[what]
	if !ok {
		fmt.Fprintf(os.Stderr, "no %q is known\n", what)
		return 99
	}
	return play(dir, args)
}

//nolint:gochecknoglobals // a table of functions
var commands = map[string]func(dir string, args []string) int{
	// exit CODE WORD...: prints the words, one per line, and ends.
	"exit": func(_ string, args []string) int {
		for _, word := range args[1:] {
			fmt.Println(word)
		}
		code, _ := strconv.Atoi(args[0])
		return code
	},
	// live: lives until it is asked to end.
	"live": func(string, []string) int {
		fmt.Println("living")
		awaitStop()
		fmt.Println("ending in order")
		return 0
	},
	// until FILE: lives until the file exists.
	"until": func(dir string, args []string) int {
		fmt.Println("waiting")
		awaitFile(filepath.Join(dir, args[0]))
		fmt.Println("it is there")
		return 0
	},
	// much N FILE: prints N lines of 100 bytes as fast as it can, then creates the file.
	"much": func(dir string, args []string) int {
		n, _ := strconv.Atoi(args[0])
		block := make([]byte, 0, 64<<10)
		for i := range n {
			block = fmt.Appendf(block, "much %094d\n", i)
			if len(block) > 60<<10 || i == n-1 {
				_, _ = os.Stdout.Write(block)
				block = block[:0]
			}
		}
		_ = os.WriteFile(filepath.Join(dir, args[1]), nil, 0o600)
		awaitStop()
		return 0
	},
	// headless: continues without its first thread; on Windows, without a console until the file "screen" exists.
	"headless": headless,
	// deaf: ignores every request to end.
	"deaf": func(string, []string) int {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
		fmt.Println("deaf")
		time.Sleep(time.Hour) // a process that a failed test leaves behind ends some time
		return 0
	},
	// stores: stores descriptors for its next life.
	"stores": stores,
	// hostile FILE: tries everything to survive.
	"hostile": hostile,
	// hang FILE: starts a deaf process, appends both PIDs to the file, and never ends.
	"hang": func(dir string, args []string) int {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		cmd := exec.Command(os.Args[0], "deaf")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = ownSession()
		if err := cmd.Start(); err != nil {
			return 1
		}
		appendTo(filepath.Join(dir, args[0]), fmt.Sprintln(os.Getpid(), cmd.Process.Pid))
		time.Sleep(time.Hour)
		return 0
	},
	// leave FILE CODE: leaves a deaf process behind, appends its PID to the file, and ends with CODE.
	"leave": func(dir string, args []string) int {
		cmd := exec.Command(os.Args[0], "deaf")
		cmd.SysProcAttr = ownSession()
		if err := cmd.Start(); err != nil {
			return 1
		}
		appendTo(filepath.Join(dir, args[0]), fmt.Sprintln(cmd.Process.Pid))
		code, _ := strconv.Atoi(args[1])
		return code
	},
	// environ FILE: writes its environment to the file.
	"environ": func(dir string, args []string) int {
		_ = os.WriteFile(filepath.Join(dir, args[0]), []byte(strings.Join(os.Environ(), "\x00")), 0o600)
		awaitStop()
		return 0
	},
	// tree DEPTH: starts itself, DEPTH times one below the other, and lives.
	"tree": func(dir string, args []string) int {
		depth, _ := strconv.Atoi(args[0])
		if depth > 0 {
			cmd := exec.Command(os.Args[0], "tree", strconv.Itoa(depth-1))
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Start(); err != nil {
				return 1
			}
			defer func() { _ = cmd.Process.Release() }()
		}
		_ = os.WriteFile(filepath.Join(dir, "pid."+args[0]), []byte(strconv.Itoa(os.Getpid())), 0o600)
		awaitStop()
		return 0
	},
	// after FILE KIND ARG: fulfils a condition of readiness once the file exists.
	"after": func(dir string, args []string) int {
		fmt.Println("begun")
		awaitFile(filepath.Join(dir, args[0]))
		become(args[1], args[2])
		awaitStop()
		return 0
	},
	// times FILE N CODE: ends with CODE the first N times, then lives.
	"times": func(dir string, args []string) int {
		path := filepath.Join(dir, args[0])
		before, _ := os.ReadFile(path)
		n, _ := strconv.Atoi(args[1])
		_ = os.WriteFile(path, append(before, '.'), 0o600)
		if len(before) < n {
			code, _ := strconv.Atoi(args[2])
			return code
		}
		awaitStop()
		return 0
	},
	// notifies: sends READY at its start, and RELOADING and READY around a reload.
	"notifies": func(dir string, _ []string) int {
		reload, stop := make(chan os.Signal, 1), make(chan os.Signal, 1)
		signal.Notify(reload, reloadSignal)
		signal.Notify(stop, syscall.SIGTERM)
		_ = tell("READY=1")
		for {
			select {
			case <-reload:
				_ = tell("RELOADING=1\nMONOTONIC_USEC=1")
				_ = tell("MAINPID=1")
				_ = tell("STATUS=it ends in vain\nEXTEND_TIMEOUT_USEC=1000000")
				_ = os.WriteFile(filepath.Join(dir, "reloaded"), []byte("yes"), 0o600)
				_ = tell("READY=1")
				fmt.Println("ends in vain")
			case <-stop:
				return 0
			}
		}
	},
	// fed HOW: hangs. "silent" never sends WATCHDOG=1, "trigger" sends WATCHDOG=trigger after some.
	"fed": func(_ string, args []string) int {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		_ = tell("READY=1")
		if args[0] == "trigger" {
			for range 5 {
				_ = tell("WATCHDOG=1")
			}
			_ = tell("WATCHDOG=trigger")
		}
		time.Sleep(time.Hour) // without it, the runtime would report a deadlock
		return 0
	},
	// errno: reports an error, and ends.
	"errno": func(string, []string) int {
		_ = tell("ERRNO=2")
		return 3
	},
	// note FILE WORD...: appends the words to a file, with variables expanded.
	"note": func(dir string, args []string) int {
		return appendTo(filepath.Join(dir, args[0]), fmt.Sprintln(os.ExpandEnv(strings.Join(args[1:], " "))))
	},
	// there FILE: fails unless the file exists.
	"there": func(dir string, args []string) int {
		if _, err := os.Stat(filepath.Join(dir, args[0])); err != nil {
			fmt.Println("it is not there")
			return 3
		}
		return 0
	},
	// web ADDRESS FILE: answers 200 while the file exists; POST /stop ends it.
	"web": func(dir string, args []string) int {
		stop := make(chan struct{}, 1)
		mux := http.NewServeMux()
		mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { stop <- struct{}{} })
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			if _, err := os.Stat(filepath.Join(dir, args[1])); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		server := &http.Server{Addr: args[0], Handler: mux, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.ListenAndServe() }()
		<-stop
		_ = server.Shutdown(context.Background())
		fmt.Println("stopped by HTTP")
		return 0
	},
}

func appendTo(path, text string) int {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 1
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return 1
	}
	return 0
}

func awaitStop() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func awaitFile(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// become fulfils a condition of readiness.
func become(kind, arg string) {
	switch kind {
	case "tcp", "unix":
		if _, err := net.Listen(kind, arg); err != nil {
			fmt.Println(err)
		}
	case "http":
		server := &http.Server{Addr: arg, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}
		go func() { _ = server.ListenAndServe() }()
	case "file":
		_ = os.WriteFile(arg, nil, 0o600)
	case "log":
		fmt.Println(arg)
	case "notify":
		_ = tell(arg)
	}
}

// tell sends a message of sd_notify(3).
func tell(text string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(text))
	return err
}
