package upgrade

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/blake2b"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// ErrSignature means that a version lacks a valid signature by the required key.
var ErrSignature = errors.New("bad signature")

func unsigned(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrSignature, fmt.Errorf(format, args...))
}

// The format of minisign's files: see https://jedisct1.github.io/minisign, "Signature format"
// and "Public key format". They are base64 of two letters, a key number, and the rest.
const (
	minisignHead = 2 + 8
	minisignPure = "Ed" // a signature of the file itself; "ED": of its BLAKE2b digest
	minisignHash = "ED"
)

// publicKey decodes a key from base64. It accepts the content or the key line of a minisign
// file, and the bare 32 bytes.
func publicKey(text string) (key ed25519.PublicKey, number []byte, err error) {
	lines := strings.Fields(text) // the key is the last word of a minisign file
	if len(lines) == 0 {
		return nil, nil, unsigned("the key of the service is empty")
	}
	raw, err := base64.StdEncoding.DecodeString(lines[len(lines)-1])
	switch {
	case err != nil:
		return nil, nil, unsigned("the key of the service is not base64: %w", err)
	case len(raw) == ed25519.PublicKeySize:
		return raw, nil, nil
	case len(raw) == minisignHead+ed25519.PublicKeySize && string(raw[:2]) == minisignPure:
		return raw[minisignHead:], raw[2:minisignHead], nil
	}
	return nil, nil, unsigned("the key of the service is neither a minisign key nor an ed25519 key")
}

// checkSignature verifies the program at path with the signature beside source: NAME.minisig,
// or NAME.sig, which contains the 64 bytes of an ed25519 signature or their base64.
func checkSignature(path, source, keyText string) error {
	key, number, err := publicKey(keyText)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		suffix string
		check  func(path string, signature []byte) error
	}{
		{".minisig", func(path string, s []byte) error { return minisigned(path, s, key, number) }},
		{".sig", func(path string, s []byte) error { return plainlySigned(path, s, key) }},
	} {
		signature, _, err := files.Read(source+form.suffix, maxSignature)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return unsigned("%w", err)
		}
		return form.check(path, signature)
	}
	return unsigned("there is neither %s.minisig nor %[1]s.sig", source)
}

const maxSignature = 64 << 10

func plainlySigned(path string, signature []byte, key ed25519.PublicKey) error {
	if len(signature) != ed25519.SignatureSize {
		text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(signature)))
		if err != nil || len(text) != ed25519.SignatureSize {
			return unsigned("it is neither %d bytes nor base64 of them", ed25519.SignatureSize)
		}
		signature = text
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, content, signature) {
		return unsigned("it does not match this file and the key of the service")
	}
	return nil
}

// minisigned verifies both signatures in a minisign file: that of the file, and that of the
// first signature together with the trusted comment.
func minisigned(path string, file []byte, key ed25519.PublicKey, number []byte) error {
	lines := strings.Split(strings.ReplaceAll(string(file), "\r\n", "\n"), "\n")
	const trusted = "trusted comment: "
	if len(lines) < 4 || !strings.HasPrefix(lines[2], trusted) {
		return unsigned("it is not a minisign signature")
	}
	raw, err := base64.StdEncoding.DecodeString(lines[1])
	global, err2 := base64.StdEncoding.DecodeString(lines[3])
	if err != nil || err2 != nil || len(raw) != minisignHead+ed25519.SignatureSize {
		return unsigned("it is not a minisign signature")
	}
	if number != nil && !bytes.Equal(number, raw[2:minisignHead]) {
		return unsigned("it was made with the key %X, not with %X", raw[2:minisignHead], number)
	}
	signature := raw[minisignHead:]
	message, err := minisignMessage(path, string(raw[:2]))
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, message, signature) || !ed25519.Verify(key, append(bytes.Clone(signature), strings.TrimPrefix(lines[2], trusted)...), global) {
		return unsigned("it does not match this file and the key of the service")
	}
	return nil
}

func minisignMessage(path, algorithm string) ([]byte, error) {
	switch {
	case algorithm == minisignPure:
		return os.ReadFile(path)
	case algorithm == minisignHash:
		f, err := files.OpenToRead(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		h, err := blake2b.New512(nil)
		if err == nil {
			_, err = io.Copy(h, f)
		}
		if err != nil {
			return nil, err
		}
		return h.Sum(nil), nil
	}
	return nil, unsigned("its algorithm %q is unknown", algorithm)
}
