package scm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// peeping is a machine that keeps a copy of the journal during the registration of the
// service.
type peeping struct {
	*faulty
	seen *bytes.Buffer
}

func (p peeping) Create(r scm.Registration) error {
	content, err := os.ReadFile(p.journal())
	p.seen.Write(content)
	if e := p.faulty.Create(r); e != nil {
		err = e
	}
	return err
}

// A password in memory is used for the registration, but appears in no plan, journal, log or
// error.
func TestPasswordInMemory(t *testing.T) {
	const secret = "hunter2"
	for name, refuse := range map[string]bool{"registered": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			var seen bytes.Buffer
			dir := t.TempDir()
			f := peeping{&faulty{fake: newFake(), dir: dir}, &seen}
			if refuse {
				f.fake.fail["Create"] = 1057
			}
			m := scm.New(f, f, scm.Options{Dirs: func(platform.ID) (scm.Dirs, error) { return dirs, nil }})
			u := unit("feedd")
			u.User, u.Windows.Password = "joe", platform.NewSecret(secret)
			steps, err := m.Plan(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			tx := installer.Begin(struct {
				platform.System
				platform.Applier
			}{f, m.Applier()}, installer.Job{Verb: "install", Journal: f.journal()})
			err = tx.Apply(t.Context(), steps)
			if (err != nil) != refuse {
				t.Fatal(err)
			}
			if e := f.services["feedd"]; !refuse && (e.r.Password.Reveal() != secret || e.r.Account != `.\joe`) {
				t.Errorf("registered is %+v", e.r)
			}
			content, jsonErr := json.Marshal(steps)
			fmt.Fprintf(&seen, "%s %v\n%+v\n%#v\n%v\n", content, err, steps, steps, f.fake.calls)
			slog.New(slog.NewTextHandler(&seen, nil)).Info("x", "steps", steps, "unit", u)
			files, globErr := filepath.Glob(filepath.Join(dir, "*"))
			if err := errors.Join(jsonErr, globErr); err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				content, _ := os.ReadFile(file)
				seen.Write(content)
			}
			if strings.Contains(seen.String(), secret) || !strings.Contains(seen.String(), `.\\joe`) {
				t.Errorf("what is seen has the password, or nothing:\n%s", &seen)
			}
		})
	}
	u := unit("feedd")
	u.User, u.Windows.Password = `NT AUTHORITY\LocalService`, platform.NewSecret(secret)
	if r, err := scm.Render(u, dirs); err != nil || r.Password.Known() {
		t.Errorf("an account without a password: %+v, %v", r, err)
	}
}
