package platform

import (
	"regexp"
	"strings"
)

// SecretWord is a regular expression, in small letters, that matches in the names of keys,
// flags and variables with secret values.
const SecretWord = `pass(?:wd|word|phrase|code)?|pwd|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|signing[_.-]?key|encryption[_.-]?key|credential|cred|auth|cookie|session[_.-]?id|dsn|connection[_.-]?string|conn[_.-]?str|bearer|webhook|salt|pin|hmac|signature|[a-z0-9][_-]key|psk|jwt` //nolint:gosec // it is what secrets are called, and none

// SecretName reports whether a key, flag or variable of that name probably has a secret value.
// It prefers to say yes.
func SecretName(name string) bool {
	return regexp.MustCompile(SecretWord).MatchString(strings.ToLower(name))
}
