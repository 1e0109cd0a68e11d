package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	clients = 64
	limit   = 5 * time.Minute // of one connection
	// pause between two leaves the machine to what is tried.
	pause = 100 * time.Millisecond
)

// heard is what the clients have seen in a round, for the test.
type heard struct {
	Answered int
	Refused  int           // there was nobody to connect to
	Broken   int           // connected, and not answered
	First    string        // of what went wrong
	Longest  time.Duration // that somebody waited for an answer
}

// load has 64 clients open one connection after the other, each a new one, at NETWORK:ADDRESS
// in turn. Each line on standard input ends a round, when all connections of it have: what
// was seen of it is a line on standard output. The end of the input ends it all.
func load(places []string) {
	var (
		round sync.RWMutex // a connection belongs to one round
		mu    sync.Mutex
		now   heard
	)
	for i := range clients {
		go func() {
			network, address, _ := strings.Cut(places[i%len(places)], ":")
			for {
				round.RLock()
				begin := time.Now()
				_, err := ask(network, address)
				took := time.Since(begin)
				mu.Lock()
				now.note(err, took)
				mu.Unlock()
				round.RUnlock()
				time.Sleep(pause)
			}
		}()
	}
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		round.Lock()
		if err := out.Encode(now); err != nil {
			os.Exit(1)
		}
		now = heard{}
		round.Unlock()
	}
}

func (h *heard) note(err error, took time.Duration) {
	h.Longest = max(h.Longest, took)
	switch {
	case err == nil:
		h.Answered++
		return
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		h.Refused++
	default:
		h.Broken++
	}
	if h.First == "" {
		h.First = err.Error()
	}
}

// ask is one connection, and its answer.
func ask(network, address string) (said string, err error) {
	conn, err := net.DialTimeout(network, address, limit)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else the ports of this machine are used up after half a minute
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: web\r\n\r\n"); err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
