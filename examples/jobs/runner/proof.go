package runner

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// While the primary is down, any user of the machine can listen at its address. So a client
// sends its token only over connections whose other side has proved that it has the token, too.
// Otherwise that user would get the token, and could choose the commands of a worker.

const (
	proofPath = "/v1/primary" // GET, with ?nonce=
	proofTime = 10 * time.Second
)

// errImpostor means that somebody else listens at the primary's address.
var errImpostor = errors.New("it does not know the token: another program listens there, or the token differs")

// proof returns the proof that the listener at that address has the token. It is valid for one
// nonce only.
func proof(token, nonce, address string) string {
	h := hmac.New(sha256.New, []byte(token))
	_, _ = fmt.Fprintf(h, "primary of jobs\n%s\n%s", address, nonce)
	return hex.EncodeToString(h.Sum(nil))
}

// prove answers a client that asks for the proof.
func prove(w http.ResponseWriter, r *http.Request, token string) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		fail(w, http.StatusInternalServerError, errors.New("the connection has no address"))
		return
	}
	_, _ = io.WriteString(w, proof(token, r.FormValue("nonce"), local.String())) // the client may have gone
}

// proving returns a client that talks only to a primary that has the token.
func proving(token string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		IdleConnTimeout: time.Minute,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if err := proven(ctx, conn, token); err != nil {
				_ = conn.Close()
				return nil, fmt.Errorf("the primary at %s: %w", address, err)
			}
			return conn, nil
		},
	}}
}

// proven asks the other side of a new connection for the proof.
func proven(ctx context.Context, conn net.Conn, token string) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(proofTime)); err != nil {
		return err
	}
	nonce, address := rand.Text(), conn.RemoteAddr().String()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+proofPath+"?nonce="+nonce, nil)
	if err != nil {
		return err
	}
	if err := r.Write(conn); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, 16<<10)), r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	shown, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !hmac.Equal(shown, []byte(proof(token, nonce, address))) {
		return errImpostor
	}
	return conn.SetDeadline(time.Time{})
}
