//go:build unix

package supervise_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// sockets plays a child that does one thing with sockets, and prints which it has got.
func sockets(does string) int {
	h, err := native.Host()
	if err != nil {
		panic(err)
	}
	files := h.(interface{ Files() []*os.File }).Files()
	names := []string{}
	for _, f := range files {
		names = append(names, f.Name())
	}
	fmt.Printf("has %d: %s\n", len(files), strings.Join(names, " "))
	keeper := h.(platform.Keeper)
	keep := func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			panic(err)
		}
		if err := keeper.Keep(context.Background(), "holdfast.api", f); err != nil {
			panic(err)
		}
		fmt.Println("listens", l.Addr())
	}
	switch does {
	case "keep": // and dies at once
		keep()
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stay":
		keep()
		for r := range h.Requests() {
			if r.Kind == platform.RequestStop {
				return 0
			}
		}
	case "answer":
		answer(files[0])
		return 1
	case "forget":
		if err := keeper.Forget(context.Background(), "holdfast.api"); err != nil {
			panic(err)
		}
		return 1
	}
	return 0
}

// answer accepts one connection at a socket.
func answer(f *os.File) {
	l, err := net.FileListener(f)
	if err != nil {
		panic(err)
	}
	conn, err := l.Accept()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, "answered")
	_ = conn.Close()
}

// handed plays what a spawned process that was lent sockets becomes.
func handed() int {
	files := supervise.Lendings()
	for _, f := range files {
		fmt.Println(f.Name())
	}
	if len(files) != 1 || len(supervise.Lendings()) > 0 {
		return 1
	}
	answer(files[0])
	return 0
}
