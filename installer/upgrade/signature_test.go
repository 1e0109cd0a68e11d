package upgrade_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// RFC 7693, appendix A, and what b2sum(1) says of inputs around the length of a block.
func TestBlake2b(t *testing.T) {
	for input, want := range map[string]string{
		"abc":                    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
		"":                       "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
		strings.Repeat("a", 127): "94596b9d6199c807c40ae1a935f3633ba5a8dd5655f7f1bd44f5285b1ce8dbb0054771eba409539df85a963296d28788807105153c90fa3ec3d761228e90f8b8",
		strings.Repeat("a", 128): "fc6c71f688f43ea7d60817478808f3cac753e61571865c95adbc2d9122c943a76b92c2cb1047ef3fe7bf6e436ec1d0a99a9e5b216780bf7fed9d7ca91d3a8f3b",
		strings.Repeat("a", 129): "55e6e0eb418149a8af92fd9ddc99254781b2f522a131b4f4d984404b71a00e1167b8124d5dcddd4c6977b299392335d6edd303da6d344d74bbef2d38101b232b",
		strings.Repeat("a", 256): "0eee13d0c73a2710c5015a8b4be0a16120bb88f826b662951ffe4b3b81441cfdce1f712c58e237dba72a0dad7f9c86b9745ea0b4b3b850ff3a260fb7df9d3e81",
		strings.Repeat("a", 999): "facfb42b552cec4014f4bd6be91a4d46cb9de16640bd9d9865c339a53b71db702e760c8b67593b9b07e124adf60cf3778e96ee93eb479147d5e5dc781e07e3b4",
	} {
		sum, err := upgrade.Blake2b512(bytes.NewReader([]byte(input)))
		if got := hex.EncodeToString(sum[:]); err != nil || got != want {
			t.Errorf("of %d bytes: %s, %v; want %s", len(input), got, err, want)
		}
	}
}

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
	sum, err := upgrade.Blake2b512(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	plainKey := base64.StdEncoding.EncodeToString(ours.private.Public().(ed25519.PublicKey))
	raw := string(ed25519.Sign(ours.private, content))
	good := ours.sign("ED", sum[:])
	for name, tt := range map[string]struct {
		key, suffix, signature string
		says                   string // empty: it is good
	}{
		"hashed":                  {ours.public, ".minisig", good, ""},
		"hashed, by a key's file": {"untrusted comment: key\n" + ours.public + "\n", ".minisig", good, ""},
		"with CRLF":               {ours.public, ".minisig", strings.ReplaceAll(good, "\n", "\r\n"), ""},
		"pure":                    {ours.public, ".minisig", ours.sign("Ed", content), ""},
		"plain":                   {plainKey, ".sig", raw, ""},
		"plain as base64":         {plainKey, ".sig", base64.StdEncoding.EncodeToString([]byte(raw)) + "\n", ""},
		"minisign's by plain key": {plainKey, ".minisig", good, ""},

		"none":              {ours.public, ".other", good, "there is neither"},
		"another key":       {theirs.public, ".minisig", good, "it is by the key"},
		"another plain key": {base64.StdEncoding.EncodeToString(theirs.private.Public().(ed25519.PublicKey)), ".minisig", good, "by another key"},
		"of another file":   {ours.public, ".minisig", ours.sign("Ed", []byte("another")), "not of this file"},
		"an altered comment": {
			ours.public, ".minisig", strings.Replace(good, "timestamp:1", "timestamp:2", 1),
			"not of this file",
		},
		"an unknown algorithm": {ours.public, ".minisig", ours.sign("XX", content), `algorithm "XX"`},
		"not whole":            {ours.public, ".minisig", good[:60], "no signature of minisign's"},
		"no base64":            {ours.public, ".minisig", strings.Replace(good, "comment: none\n", "comment: none\n!", 1), "no signature of minisign's"},
		"short":                {plainKey, ".sig", raw[:63], "neither 64 bytes nor base64"},
		"altered":              {plainKey, ".sig", "x" + raw[1:], "not of this file"},
		"no key":               {"", ".sig", raw, "is empty"},
		"a key of no base64":   {"!", ".sig", raw, "is no base64"},
		"a short key":          {"YWJj", ".sig", raw, "neither minisign's nor"},
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
