package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// Only Reveal returns a secret, wherever it is contained.
func TestSecret(t *testing.T) {
	const text = "hunter2"
	s := platform.NewSecret(text)
	if !s.Known() || s.Reveal() != text || platform.NewSecret("").Known() || (platform.Secret{}).Reveal() != "" {
		t.Error("it is not what was put into it")
	}
	within := struct {
		Open   platform.Secret
		closed platform.Secret
		To     *platform.Secret
	}{s, s, &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, within, &within)
	}
	for _, v := range []any{s, within, map[string]platform.Secret{"a": s}} {
		content, err := json.Marshal(v)
		out.Write(content)
		if err != nil {
			t.Error(err)
		}
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "within", within)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "within", within)
	for _, leak := range []string{text, fmt.Sprintf("%x", text), fmt.Sprint([]byte(text))} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is seen:\n%s", leak, &out)
		}
	}
}
