package kubernetes_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// Whatever an argument, a variable, the description and a directory contain is read back as it
// was, or is refused.
func FuzzWhatIsReadBack(f *testing.F) {
	for _, s := range []string{
		"", "a", "a b", "yes", "~", "null", "0x1f", "1e3", "- a", "a: b", "#", "a #b", "'", `"\`, "$(A)", "$$A", "${A:?b}", "\t", "\n", "a\n\n b\n", "\r", "\u0085", "\u2028", "\ufeff", "\u00a0", "ü", "\U0001F600", "\U000E0001",
		"\x00", "\xff", "\x7f", "%x", "@", "`", "<<", "!!str a", "&a", "*a", "---", "...", "=", "12:30:45", "|", "> ", "{a", "]", ",", "?", "\ufffe", "\ufffd",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u := unit()
		u.Exec = append(u.Exec, "--", s)
		u.Env = map[string]string{"A": s}
		u.Description = s
		u.Commands.Ready = []string{"/feedd", s}
		_, err := render(t, "kubernetes", u)
		_, other := render(t, "compose", u)
		if err != nil || other != nil {
			if !errors.Is(err, platform.ErrBadUnit) || !errors.Is(other, platform.ErrBadUnit) {
				t.Fatalf("%v, %v", err, other)
			}
			return
		}
		set := statefulSet(t, u)
		c := container(t, set.Spec.Template.Spec)
		if !slices.Equal(allExpanded(t, c.Command), u.Exec) || !slices.Equal(allExpanded(t, c.ReadinessProbe.Exec.Command), u.Commands.Ready) {
			t.Errorf("%q became %q", s, c.Command)
		}
		if len(c.Env) != 1 {
			t.Fatalf("%+v", c.Env)
		}
		if secret := c.Env[0].ValueFrom != nil; !secret && expanded(t, c.Env[0].Value) != s {
			t.Errorf("%q became %q", s, c.Env[0].Value)
		}
		if want := u.WithDefaults().Description; set.Annotations["kubernetes.io/description"] != want {
			t.Errorf("%q became %q", want, set.Annotations)
		}
		service := compose(t, u, nil)
		if !slices.Equal([]string(service.Entrypoint), u.Exec) {
			t.Errorf("%q became %q", s, service.Entrypoint)
		}
		if value, there := service.Environment["A"]; !there || value != nil && *value != s {
			t.Errorf("%q became %v", s, service.Environment)
		}
	})
}
