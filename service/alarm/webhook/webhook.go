// Package webhook posts alarms over HTTP. A program asks for it in one line,
//
//	service.Config{Name: "feedd", AlarmWebhook: webhook.Sender{}}
//
// and only such a program links net/http. The URL is the key webhook of [service.alarm].
//
// The body is the alarm as JSON: see [alarm.Event]. Its id is also in the header
// Idempotency-Key. A status from 200 to 299 means success. A redirect is followed only to the
// same scheme, host and port, and only if it keeps the method (307, 308). The body of the
// answer is not read. Package alarm decides about retries. Each try uses a new connection, and
// may take the timeout of [service.alarm] in total. The environment names a proxy
// (HTTPS_PROXY, NO_PROXY).
//
// A secret is read from the file webhook_secret_file. Its text is the value of the header
// webhook_header ("Bearer ..." for Authorization). The file is read for each alarm, and
// refused if anybody but the service's user, its group and root could read it. The secret
// appears in no log, plan or status. Nor do the URL's path and query, because many providers
// treat them as a secret, too.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-dev/holdfast/internal/secretfile"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

const (
	maxHeader    = 64 << 10 // bytes of the answer's header
	maxRedirects = 3
)

// A Sender is an [alarm.Poster]. Its zero value is ready to use.
type Sender struct {
	// TLS configures how servers are verified. Nil: by the system's authorities, with TLS 1.2
	// or later.
	TLS *tls.Config
}

// Post delivers body, which is JSON, to c.Webhook. It blocks until the server has answered or
// ctx ends.
func (s Sender) Post(ctx context.Context, c alarm.Config, body []byte) error {
	secret, err := readSecret(c.WebhookSecretFile)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook: is not a URL like https://host/path")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "holdfast-alarm")
	var id struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &id) == nil && id.ID != "" {
		req.Header.Set("Idempotency-Key", id.ID)
	}
	if secret != "" {
		req.Header.Set(c.WithDefaults().WebhookHeader, secret)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: s.tls(), DisableKeepAlives: true,
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: sameServer}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook %s: %w", place(req.URL), without(err))
	}
	defer res.Body.Close() // not read: it may be huge or very slow
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("webhook %s: the server says %d %s", place(req.URL), res.StatusCode, http.StatusText(res.StatusCode))
	}
	return nil
}

func (s Sender) tls() *tls.Config {
	if s.TLS != nil {
		return s.TLS.Clone()
	}
	return &tls.Config{MinVersion: tls.VersionTLS12}
}

var errElsewhere = errors.New("it redirects to another place, and such redirects are not followed")

// sameServer accepts a redirect only to the server that the alarm and its secret are meant
// for.
func sameServer(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || !strings.EqualFold(req.URL.Host, first.Host) || req.URL.User != nil {
		return fmt.Errorf("%w: to %s", errElsewhere, place(req.URL))
	}
	if req.Method != http.MethodPost {
		return errors.New("it answers with a redirect for browsers (only 307 and 308 keep the method)")
	}
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	return nil
}

// place returns the part of u that is no secret.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host }

// without returns err without the URL that net/http adds to it.
func without(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// readSecret returns the secret in the file at path, or "" if path is empty.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	secret, err := secretfile.Read(path)
	if err != nil {
		return "", fmt.Errorf("webhook_secret_file: %w", err)
	}
	return secret, nil
}
