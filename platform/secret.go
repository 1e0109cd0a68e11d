package platform

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that is handed to whom it is for and is seen nowhere else: not in
// what package fmt prints, of what has it as well, nor in a log, in JSON, or in a
// configuration. The zero Secret is none.
type Secret struct{ text *string } // a pointer, which is all that fmt shows of a field that is not exported

// NewSecret is text as a Secret; an empty text is none.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Known reports whether there is one.
func (s Secret) Known() bool { return s.text != nil }

// Reveal is the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

const hidden = "(secret)"

// Format prints that there is one, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// MarshalText says that there is one.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// LogValue says that there is one.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

func (s Secret) shown() string {
	if s.Known() {
		return hidden
	}
	return ""
}
