//go:build unix

package runner_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Another user of the machine listens at the primary's address while the primary is down, and
// answers workers with a command of his own.
func TestIssue11_WhoListensInPlaceOfThePrimaryGetsNoToken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.write("token", "0123456789abcdef\n")
	b.configure("", fmt.Sprintf("token_file = %q", b.path("token")))

	var mu sync.Mutex
	var tokens []string
	asked := 0
	impostor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		if token := r.Header.Get("Authorization"); token != "" {
			tokens = append(tokens, token)
		}
		_, _ = io.WriteString(w, fmt.Sprintf(`{"id":1,"job":"work","attempt":1,"lease_ns":%d,"command":["touch",%q]}`, time.Minute, b.path("his")))
	}))
	defer impostor.Close()
	address := strings.TrimPrefix(impostor.URL, "http://")

	w := b.start("worker", "--worker-name", "one", "--token-file", b.path("token"), "--join", address)
	wait.Until(t, "the worker asks", func() bool { mu.Lock(); defer mu.Unlock(); return asked > 3 })
	w.says("another program listens there")
	if _, err := os.Stat(b.path("his")); err == nil {
		t.Error("the worker has run his command")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(tokens) > 0 {
		t.Errorf("he has the token: %q", tokens)
	}
}

// A proof that the primary gives him is worthless at another address.
func TestIssue11_AProofIsOfOneAddress(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.write("token", "0123456789abcdef\n")
	b.configure("", fmt.Sprintf("token_file = %q", b.path("token")))
	b.primary()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() { // passes everything on to the primary
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				there, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.address())
				if err != nil {
					return
				}
				defer there.Close()
				go io.Copy(there, conn) //nolint:errcheck // until one of them ends
				_, _ = io.Copy(conn, there)
			}()
		}
	}()
	w := b.start("worker", "--worker-name", "one", "--token-file", b.path("token"), "--join", listener.Addr().String())
	w.says("another program listens there")
}
