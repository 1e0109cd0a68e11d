package platform

import (
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a text that must not be seen. Package fmt, logs, JSON and configurations do not
// show it, nor does fmt for a value that contains it. Only [Secret.Reveal] returns it. The
// zero Secret is empty.
type Secret struct{ text *string } // a pointer: fmt prints only its address if the field is unexported

// NewSecret returns a Secret that contains text. An empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Known reports whether the secret is not empty.
func (s Secret) Known() bool { return s.text != nil }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

const hidden = "(secret)"

// Format prints a placeholder for the text, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// MarshalText returns a placeholder for the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// LogValue returns a placeholder for the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

func (s Secret) shown() string {
	if s.Known() {
		return hidden
	}
	return ""
}
