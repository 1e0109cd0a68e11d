package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// answerWithin is how long get waits before it asks again, because on Wine an answer does not
// always arrive.
const answerWithin = 20 * time.Second

// client opens a new connection for each request.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// lost asks once, and reports whether no answer came in time, so that the caller has to ask again.
func lost(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// get asks until there is an answer.
func get(t *testing.T, url string, header ...string) (code int, body string, h http.Header) {
	t.Helper()
	var failed error
	wait.Until(t, "an answer of "+url, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			failed = err
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		code, body, h, failed = resp.StatusCode, string(text), resp.Header, err
		return err == nil
	}, func() string { return failed.Error() })
	return code, body, h
}
