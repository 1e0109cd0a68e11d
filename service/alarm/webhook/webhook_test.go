package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/alarm/webhook"
)

const (
	secret = "Bearer 0123456789abcdef"
	body   = `{"id":"tampered.7.1","kind":"tampered"}`
)

// A server receives alarms.
type server struct {
	*httptest.Server

	mu   sync.Mutex
	got  []*http.Request
	body []string
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s.handler(answer))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // some of these requests would be logged
	s.Config.WriteTimeout = time.Minute            // on Wine a write does not always end when its reader is gone
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *server) handler(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got, s.body = append(s.got, r), append(s.body, string(b))
		s.mu.Unlock()
		answer(w, r)
	})
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func says(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPost(t *testing.T) {
	s := serve(t, says(http.StatusAccepted))
	c := alarm.Config{Webhook: s.URL + "/T0/B1", WebhookSecretFile: write(t, secret+"\n", 0o600)}
	if err := (webhook.Sender{}).Post(t.Context(), c, []byte(body)); err != nil {
		t.Fatal(err)
	}
	c.WebhookHeader = "X-Token"
	if err := (webhook.Sender{}).Post(t.Context(), c, []byte(body)); err != nil {
		t.Fatal(err)
	}
	for i, header := range []string{"Authorization", "X-Token"} {
		r := s.got[i]
		if r.Method != http.MethodPost || r.URL.Path != "/T0/B1" || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get(header) != secret || r.Header.Get("Idempotency-Key") != "tampered.7.1" || s.body[i] != body {
			t.Errorf("%s %s %v %q", r.Method, r.URL, r.Header, s.body[i])
		}
	}
}

// Misbehaving servers, and errors that must not contain secrets.
func TestServersThatMisbehave(t *testing.T) {
	elsewhere := serve(t, says(http.StatusOK))
	secure := httptest.NewTLSServer(says(http.StatusOK))
	t.Cleanup(secure.Close)
	redirect := func(status int, to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
	}
	forever := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		hangs  bool
		says   string // empty: success
		times  int    // number of requests
	}{
		"is out of order":          {says(500), false, "the server says 500 Internal Server Error", 1},
		"does not know us":         {says(401), false, "the server says 401 Unauthorized", 1},
		"never answers":            {forever, true, "canceled", 1},
		"leads to another machine": {redirect(307, elsewhere.URL+"/secret"), false, "redirects to another place, and such redirects are not followed: to http://127.0.0.1", 1},
		"leads to another scheme":  {redirect(307, secure.URL), false, "redirects to another place", 1},
		"leads a browser":          {redirect(302, "/login"), false, "for browsers", 1},
		"leads in circles":         {redirect(308, "/again"), false, "too many redirects", 4},
		"leads on": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/there" {
				http.Redirect(w, r, "/there", http.StatusPermanentRedirect)
			}
		}, false, "", 2},
		"says more than anybody reads": {func(w http.ResponseWriter, r *http.Request) {
			block := make([]byte, 1<<20)
			for r.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, false, "", 1},
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, false, "", 1},
		"says no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = c.Write([]byte("SSH-2.0-x\r\n"))
				_ = c.Close()
			}
		}, false, "malformed HTTP response", 1},
		"hangs up": {func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}, false, "EOF", 1},
		"has endless headers": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				w.Header().Set("X-"+strings.Repeat("x", i), strings.Repeat("y", 4<<10))
			}
		}, false, "headers", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.answer)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.hangs {
				go func() {
					for s.requests() == 0 && ctx.Err() == nil {
						runtime.Gosched()
					}
					cancel()
				}()
			}
			c := alarm.Config{Webhook: s.URL + "/T0PSECRET?key=T0PSECRET", WebhookSecretFile: write(t, secret, 0o600)}
			err := webhook.Sender{}.Post(ctx, c, []byte(body))
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "T0PSECRET") || strings.Contains(err.Error(), "0123456789abcdef")) {
				t.Errorf("it says a secret: %v", err)
			}
			if n := s.requests(); n != tt.times {
				t.Errorf("%d requests", n)
			}
		})
	}
	if n := elsewhere.requests(); n > 0 {
		t.Errorf("%d alarms went elsewhere", n)
	}
}

func TestNobodyThere(t *testing.T) {
	s := serve(t, says(200))
	s.Close()
	err := webhook.Sender{}.Post(t.Context(), alarm.Config{Webhook: s.URL + "/T0PSECRET"}, []byte(body))
	if err == nil || strings.Contains(err.Error(), "T0PSECRET") {
		t.Errorf("%v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	s := httptest.NewUnstartedServer(says(http.StatusOK))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := alarm.Config{Webhook: s.URL}
	if err := (webhook.Sender{}).Post(t.Context(), c, []byte(body)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	if err := (webhook.Sender{TLS: &tls.Config{RootCAs: known, MinVersion: tls.VersionTLS12}}).Post(t.Context(), c, []byte(body)); err != nil {
		t.Error(err)
	}
}

func TestSecretsThatAreNotUsed(t *testing.T) {
	s := serve(t, says(200))
	for name, tt := range map[string]struct {
		path string
		want error
		unix bool
	}{
		"for everybody":     {write(t, secret, 0o644), files.ErrUntrusted, true},
		"its group's":       {write(t, secret, 0o660), files.ErrUntrusted, true},
		"missing":           {filepath.Join(t.TempDir(), "none"), os.ErrNotExist, false},
		"a directory":       {t.TempDir(), files.ErrUntrusted, false},
		"empty":             {write(t, "\n", 0o600), files.ErrMalformed, false},
		"two lines":         {write(t, "a\nb: c", 0o600), files.ErrMalformed, false},
		"longer than sense": {write(t, strings.Repeat("x", 9<<10), 0o600), files.ErrMalformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.unix && runtime.GOOS == "windows" {
				t.Skip("modes say nothing there")
			}
			err := webhook.Sender{}.Post(t.Context(), alarm.Config{Webhook: s.URL, WebhookSecretFile: tt.path}, []byte(body))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "webhook_secret_file") {
				t.Errorf("%v", err)
			}
		})
	}
	if n := s.requests(); n != 0 {
		t.Errorf("%d alarms went without their secret", n)
	}
	if err := (webhook.Sender{}).Post(t.Context(), alarm.Config{Webhook: s.URL, WebhookSecretFile: write(t, secret, 0o640)}, []byte(body)); err != nil {
		t.Errorf("its group may read it: %v", err)
	}
}
