package upgrade_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// signer makes signatures as minisign does.
type signer struct {
	public  string
	private ed25519.PrivateKey
	number  string
}

func newSigner(t *testing.T, seed byte) signer {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	number := strings.Repeat(string(rune('a'+seed)), 8)
	public := append([]byte("Ed"+number), private.Public().(ed25519.PublicKey)...)
	return signer{base64.StdEncoding.EncodeToString(public), private, number}
}

func (s signer) sign(algorithm string, message []byte) string {
	signature := ed25519.Sign(s.private, message)
	const comment = "timestamp:1\tfile:feedd"
	global := ed25519.Sign(s.private, append(bytes.Clone(signature), comment...))
	line := base64.StdEncoding.EncodeToString(append([]byte(algorithm+s.number), signature...))
	return "untrusted comment: none\n" + line + "\ntrusted comment: " + comment + "\n" + base64.StdEncoding.EncodeToString(global) + "\n"
}

func TestSignature(t *testing.T) {
	ours, theirs := newSigner(t, 1), newSigner(t, 2)
	content := []byte("a program")
	sum := blake2b.Sum512(content)
	plainKey := base64.StdEncoding.EncodeToString(ours.private.Public().(ed25519.PublicKey))
	raw := string(ed25519.Sign(ours.private, content))
	good := ours.sign("ED", sum[:])
	for name, tt := range map[string]struct {
		key, suffix, signature string
		says                   string // empty: the signature is valid
	}{
		"hashed":                  {ours.public, ".minisig", good, ""},
		"hashed, by a key's file": {"untrusted comment: key\n" + ours.public + "\n", ".minisig", good, ""},
		"with CRLF":               {ours.public, ".minisig", strings.ReplaceAll(good, "\n", "\r\n"), ""},
		"pure":                    {ours.public, ".minisig", ours.sign("Ed", content), ""},
		"plain":                   {plainKey, ".sig", raw, ""},
		"plain as base64":         {plainKey, ".sig", base64.StdEncoding.EncodeToString([]byte(raw)) + "\n", ""},
		"minisign's by plain key": {plainKey, ".minisig", good, ""},

		"none":              {ours.public, ".other", good, "there is neither"},
		"another key":       {theirs.public, ".minisig", good, "it was made with the key"},
		"another plain key": {base64.StdEncoding.EncodeToString(theirs.private.Public().(ed25519.PublicKey)), ".minisig", good, "does not match this file"},
		"of another file":   {ours.public, ".minisig", ours.sign("Ed", []byte("another")), "does not match this file"},
		"an altered comment": {
			ours.public, ".minisig", strings.Replace(good, "timestamp:1", "timestamp:2", 1),
			"does not match this file",
		},
		"an unknown algorithm": {ours.public, ".minisig", ours.sign("XX", content), `algorithm "XX"`},
		"not whole":            {ours.public, ".minisig", good[:60], "not a minisign signature"},
		"no base64":            {ours.public, ".minisig", strings.Replace(good, "comment: none\n", "comment: none\n!", 1), "not a minisign signature"},
		"short":                {plainKey, ".sig", raw[:63], "neither 64 bytes nor base64"},
		"altered":              {plainKey, ".sig", "x" + raw[1:], "does not match this file"},
		"no key":               {"", ".sig", raw, "is empty"},
		"a key of no base64":   {"!", ".sig", raw, "is not base64"},
		"a short key":          {"YWJj", ".sig", raw, "neither a minisign key nor"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "feedd")
			for path, text := range map[string]string{program: string(content), program + tt.suffix: tt.signature} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := upgrade.CheckSignature(program, program, tt.key)
			if (err != nil) != (tt.says != "") || err != nil && (!errors.Is(err, upgrade.ErrSignature) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}
