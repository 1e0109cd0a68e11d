package cli

import (
	"encoding/json"
	"io"
)

// writeJSON writes v as commands with --json print it: indented, and with <, > and &
// as they are.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
