package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync/atomic"
)

// errGone means that, according to the primary, the run does not (or no longer) belong to the
// caller.
var errGone = errors.New("the run now belongs to another process")

// A client sends requests to a primary, at the address that answered last. If that is silent,
// the next request goes to the next address.
type client struct {
	addresses []string      // URLs
	turn      *atomic.Int64 // selects the address
	token     string
	http      *http.Client
}

// many reports whether the primary may be on several machines.
func (c client) many() bool { return len(c.addresses) > 1 }

// call sends body, as JSON unless it is bytes, and decodes the answer into out if both exist.
// The code is 0 if the primary cannot be reached.
func (c client) call(ctx context.Context, method, path string, header http.Header, body, out any) (code int, err error) {
	turn := c.turn.Load()
	defer func() {
		if err != nil && (code == 0 || code == http.StatusServiceUnavailable) {
			c.turn.CompareAndSwap(turn, turn+1)
		}
	}()
	raw, ok := body.([]byte)
	if !ok && body != nil {
		if raw, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.addresses[turn%int64(len(c.addresses))]+path, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	maps.Copy(r.Header, header)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	switch {
	case err != nil:
		return answer.StatusCode, err
	case answer.StatusCode == http.StatusConflict, answer.StatusCode == http.StatusNotFound:
		err = errGone
		fallthrough
	case answer.StatusCode >= http.StatusBadRequest:
		var says struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(b, &says)
		return answer.StatusCode, &refusal{answer.Status, says.Error, err}
	case out != nil && len(b) > 0:
		err = json.Unmarshal(b, out)
	}
	return answer.StatusCode, err
}

// A refusal is an error that the primary has answered.
type refusal struct {
	status, text string
	is           error
}

func (r *refusal) Error() string {
	if r.text == "" {
		return fmt.Sprintf("the primary says %s", r.status)
	}
	return r.text
}

func (r *refusal) Unwrap() error { return r.is }
