//go:build unix

package runner_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// certify writes the certificate of 127.0.0.1, which signs itself, and its key.
func (b *bed) certify() {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// With a certificate, worker and trigger use TLS, and nobody gets the token who has another
// certificate.
func TestTheAPIServesTLS(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.certify()
	b.write("token", "0123456789abcdef\n")
	b.configure("", fmt.Sprintf("token_file = %q\ncert_file = %q\nkey_file = %q\nca_file = %q", b.path("token"), b.path("cert.pem"), b.path("key.pem"), b.path("cert.pem")))
	p := b.primary()
	if !strings.HasPrefix(b.address(), "https://127.0.0.1:") {
		t.Fatal(b.address())
	}
	stranger := b.worker("two", "--token-file", b.path("token"))
	stranger.says("certificate")
	w := b.worker("one", "--token-file", b.path("token"), "--ca-file", b.path("cert.pem"))
	p.says("a worker has joined")
	if code, out := b.call("trigger", "work", "--wait"); code != 0 {
		t.Fatalf("%d: %s\n%s", code, out, w.log.String())
	}
	w.says("run ended")
	if strings.Contains(p.log.String(), "worker=two") {
		t.Error("a worker trusts a certificate that nobody it knows has signed")
	}
}

// A worker asks the next primary when one does not answer.
func TestAWorkerFindsThePrimaryAmongSeveralAddresses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("", "")
	p := b.primary()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := silent.Addr().String()
	_ = silent.Close()
	b.start("worker", "--join", nobody+","+b.address(), "--worker-name", "one")
	p.says("a worker has joined")
	b.awaitState(b.post("work", "{}"), "finished")
	if code, out := b.call("worker", "--join", "https://a:1,b:2", "--worker-name", "x"); code != 2 || !strings.Contains(out, "both") {
		t.Error(code, out)
	}
}

// The answer to a worker's report is lost, and the worker reports again.
func TestAFailureThatIsReportedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("retries = 5\nretry_delay = '1h'", "lease = '1h'")
	b.primary()
	b.ask(http.MethodPost, "/v1/workers/one/next?for=1ms", "") // the primary knows it from then on
	id := b.post("work", "{}")
	code, text := 0, ""
	for code != http.StatusOK {
		code, text = b.ask(http.MethodPost, "/v1/workers/one/next", "")
	}
	var a struct{ ID uint64 }
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.ID != id {
		t.Fatal(text, err)
	}
	for range 3 {
		code, text = b.ask(http.MethodPost, fmt.Sprintf("/v1/workers/one/runs/%d/report", id), `{"state":"failed","attempt":1}`)
		var got struct {
			Again struct{ Attempt int }
		}
		if err := json.Unmarshal([]byte(text), &got); code != http.StatusOK || err != nil || got.Again.Attempt != 2 {
			t.Errorf("%d %s", code, text)
		}
	}
	if got := b.get(id); got.Attempt != 2 || got.State != "begun" {
		t.Errorf("%+v", got)
	}
}
