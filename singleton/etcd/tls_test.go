package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// An authority signs certificates in a directory.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{dir: t.TempDir()}
	a.cert, a.key = a.make(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return a
}

func (a authority) file(name string) string { return filepath.Join(a.dir, name+".pem") }

// make writes NAME.pem and NAME-key.pem, signed by a, or by itself.
func (a authority) make(t *testing.T, name string, c *x509.Certificate, ip net.IP) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if ip != nil {
		c.IPAddresses = []net.IP{ip}
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	must(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	must(t, os.WriteFile(a.file(name+"-key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600))
	made, err := x509.ParseCertificate(der)
	must(t, err)
	return made, key
}

// withTLS starts a member with that certificate of a. It requires a certificate of a from its
// clients.
func withTLS(t *testing.T, a authority, name string) []*embedded.Member {
	t.Helper()
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	members[0].Client = strings.Replace(members[0].Client, "http:", "https:", 1)
	members[0].Set = func(c *embed.Config) {
		c.ClientTLSInfo = transport.TLSInfo{
			CertFile: a.file(name), KeyFile: a.file(name + "-key"), TrustedCAFile: a.file("ca"), ClientCertAuth: true,
		}
	}
	t.Cleanup(members[0].Stop)
	must(t, members[0].Start())
	return members
}

// elected campaigns as a life does, and returns what it is told and what it wins.
func elected(t *testing.T, endpoint, lines string) (won <-chan singleton.Term, told chan string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.toml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "[cluster]\nname = \"db\"\nttl = \"5s\"\nendpoints = [%q]\n%s", endpoint, lines), 0o600))
	settings := etcd.New().Defaults()
	must(t, service.DecodeTable(path, "cluster", settings))
	told = make(chan string, 100)
	e, err := etcd.New().Elect(t.Context(), service.Candidate{Name: "db@m1", Told: func(text string) { told <- text }}, settings)
	if err != nil {
		return nil, nil, err
	}
	own, ok := e.(*etcd.Elector)
	if !ok {
		t.Fatalf("the elector is a %T", e)
	}
	t.Cleanup(func() { _ = own.Close() })
	return campaign(t.Context(), own), told, nil
}

func TestTLS(t *testing.T) {
	ours, foreign := newAuthority(t), newAuthority(t)
	ours.make(t, "etcd", &x509.Certificate{}, net.IPv4(127, 0, 0, 1))
	ours.make(t, "elsewhere", &x509.Certificate{}, net.IPv4(192, 0, 2, 1))
	ours.make(t, "client", &x509.Certificate{}, nil)
	foreign.make(t, "client", &x509.Certificate{}, nil)
	right, elsewhere := withTLS(t, ours, "etcd"), withTLS(t, ours, "elsewhere")
	with := func(ca, client authority) string {
		return fmt.Sprintf("ca_file = %q\ncert_file = %q\nkey_file = %q\n", ca.file("ca"), client.file("client"), client.file("client-key"))
	}
	for name, c := range map[string]struct {
		at    []*embedded.Member
		lines string
		want  string
	}{
		"an authority that is not etcd's":   {right, with(foreign, ours), etcd.ErrTLS.Error() + ": tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		"a certificate for another address": {elsewhere, with(ours, ours), etcd.ErrTLS.Error() + ": tls: failed to verify certificate: x509: certificate is valid for 192.0.2.1"},
		"a client that etcd does not trust": {right, with(ours, foreign), etcd.ErrTLS.Error() + ": remote error: tls: "},
		"a client without a certificate":    {right, fmt.Sprintf("ca_file = %q\n", ours.file("ca")), etcd.ErrTLS.Error() + ": remote error: tls: certificate required"},
	} {
		t.Run(name, func(t *testing.T) {
			won, told, err := elected(t, c.at[0].Client, c.lines)
			must(t, err)
			text := wait.For(t, "told why", told)
			for strings.HasPrefix(text, etcd.ErrNoAnswer.Error()) || strings.HasPrefix(text, etcd.ErrUnreachable.Error()) { // the machine is slow
				text = wait.For(t, "told why", told)
			}
			if !strings.HasPrefix(text, c.want) {
				t.Errorf("told %q, want %q", text, c.want)
			}
			select {
			case <-won:
				t.Error("it leads")
			default:
			}
		})
	}
	t.Run("the right ones", func(t *testing.T) {
		won, _, err := elected(t, right[0].Client, with(ours, ours))
		must(t, err)
		wait.For(t, "the term", won)
	})
	t.Run("a key that others can read", func(t *testing.T) {
		must(t, os.Chmod(ours.file("client-key"), 0o644))
		if _, _, err := elected(t, right[0].Client, with(ours, ours)); !errors.Is(err, files.ErrUntrusted) || !strings.HasPrefix(err.Error(), "cluster.key_file: ") {
			t.Errorf("%v", err)
		}
	})
}
