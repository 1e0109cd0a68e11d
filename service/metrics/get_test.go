package metrics_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// get asks until there is an answer, each time on a new connection, because on Wine an answer
// does not always arrive.
func get(t *testing.T, url string, header ...string) (code int, body string, h http.Header) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var failed error
	wait.Until(t, "an answer of "+url, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
