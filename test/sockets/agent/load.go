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
	// pause lies between two connections, and leaves processor time to the service under test.
	pause = 300 * time.Millisecond
)

// heard is what the clients have seen in a round, for the test.
type heard struct {
	Answered int
	Refused  int           // there was nobody to connect to
	Broken   int           // connected, and not answered
	First    string        // of what went wrong
	Longest  time.Duration // that somebody waited for an answer
}

// load makes 64 clients open one new connection after the other. places are NETWORK:ADDRESS,
// assigned to the clients in turn. Several of them, separated by commas, are one place that
// moves: a client that is refused at one of them tries the next.
//
// A round lasts until each client can have begun and ended a connection after the line. Each
// line on standard input ends a round when all its connections have ended. A line on standard
// output says what was seen in it. The end of the input ends the load.
func load(places []string) {
	var (
		round sync.RWMutex // a connection belongs to one round
		mu    sync.Mutex
		now   heard
		beat  = make(chan struct{}) // of a client that has ended a connection
	)
	for i := range clients {
		go func() {
			place := strings.Split(places[i%len(places)], ",")
			for {
				round.RLock()
				begin := time.Now()
				var err error
				for _, at := range place {
					if _, err = ask(at); !refused(err) {
						break
					}
				}
				took := time.Since(begin)
				mu.Lock()
				now.note(err, took)
				mu.Unlock()
				round.RUnlock()
				select {
				case beat <- struct{}{}:
				default:
				}
				time.Sleep(pause)
			}
		}()
	}
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		for range 2 * clients {
			<-beat
		}
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
	case refused(err):
		h.Refused++
	default:
		h.Broken++
	}
	if h.First == "" {
		h.First = err.Error()
	}
}

func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// ask makes one connection to NETWORK:ADDRESS, and returns the answer. Over udp it is one
// packet.
func ask(place string) (said string, err error) {
	network, address, _ := strings.Cut(place, ":")
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
	if network == "udp" {
		answer := make([]byte, 1<<10)
		if _, err := io.WriteString(conn, "who?"); err != nil {
			return "", err
		}
		n, err := conn.Read(answer)
		return string(answer[:n]), err
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
