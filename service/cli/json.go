package cli

import (
	"encoding/json"
	"io"
)

// writeJSON writes v like every command with --json: indented, and with <, > and & unescaped.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
