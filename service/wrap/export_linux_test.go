package wrap

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// AwaitEnded starts a command and returns its PID once it has ended. Its end is not known to the
// spawner until known is called. begin waits until the command is ready; a server at url answers in
// its place.
func AwaitEnded(ctx context.Context, url string) (pid int, begin func() <-chan error, known func(), err error) {
	in, end, err := os.Pipe()
	if err != nil {
		return 0, nil, nil, err
	}
	cmd := exec.CommandContext(ctx, "cat")
	cmd.Stdin = in
	s := &spawner{own: map[int]bool{}}
	process, err := s.start(cmd)
	if err := errors.Join(err, in.Close()); err != nil {
		return 0, nil, nil, err
	}
	s.mu.Lock() // the goroutine that waits for the command needs it
	p := &Program{spawner: s, now: Options{Command: cmd.Args, Ready: Ready{HTTP: url, Timeout: time.Minute}}}
	return process.pid(), func() <-chan error {
		result := make(chan error, 1)
		go func() { result <- p.await(ctx, &child{process: process, ready: make(chan struct{})}) }()
		return result
	}, s.mu.Unlock, end.Close()
}
