package scm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Dirs are directories of one service. Base has the others in it, and the
// configuration.
type Dirs struct{ Base, Runtime, State, Logs string }

// takenNames are directories in %ProgramData% that belong to Windows, or to what
// is on most machines: their access lists must stay as they are.
var takenNames = []string{
	"chocolatey", "docker", "intel", "microsoft", "nvidia", "packages", "regid.1991-06.com.microsoft",
	"softwaredistribution", "ssh", "templates", "usoprivate", "usoshared",
}

// checkID refuses an id that cannot be a service with directories of its own.
func checkID(id platform.ID) error {
	errs := []error{room.CheckNames(id)}
	if id.Scope == platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: the SCM keeps services of the machine only: say --scope system: %w", id.Scope, platform.ErrBadUnit))
	}
	if slices.Contains(takenNames, strings.ToLower(id.String())) {
		errs = append(errs, fmt.Errorf("name %q: is a directory in %%ProgramData%% that is not ours: %w", id, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// builtin are the accounts without a password that every Windows has, by the
// names that the SCM keeps.
var builtin = map[string]string{
	"":                            "LocalSystem",
	"localsystem":                 "LocalSystem",
	"system":                      "LocalSystem",
	`nt authority\system`:         "LocalSystem",
	"localservice":                `NT AUTHORITY\LocalService`,
	`nt authority\localservice`:   `NT AUTHORITY\LocalService`,
	"networkservice":              `NT AUTHORITY\NetworkService`,
	`nt authority\networkservice`: `NT AUTHORITY\NetworkService`,
}

const virtual = `NT SERVICE\`

// account is the one that the service logs on with. The password that some need is never
// in a definition, a plan or a journal: it is read where the service is registered.
func (d *definition) account(u platform.Unit) {
	user, file := d.text("user", u.User), d.text("windows.password_file", u.Windows.PasswordFile)
	lower := strings.ToLower(user)
	known, ok := builtin[lower]
	own := virtual + u.ID.String()
	switch {
	case ok:
		d.r.Account = known
	case strings.HasPrefix(lower, strings.ToLower(virtual)):
		if !strings.EqualFold(user, own) {
			d.Refuse("user", "%q: the virtual account of this service is %q", user, own)
		}
		d.r.Account = own
	case strings.HasSuffix(user, "$") && strings.Contains(user, `\`): // a group managed service account
		d.r.Account = user
	case file == "" && !u.Windows.Password.Known():
		d.Refuse("user", `%q: needs a password: name a file that has it in windows.password_file, or choose LocalSystem, LocalService, NetworkService, %q or a managed account (DOMAIN\name$)`, user, own)
	case !strings.ContainsAny(user, `\@`):
		d.r.Account = `.\` + user // CreateService: an account of this machine
	default:
		d.r.Account = user
	}
	needs := needsPassword(d.r.Account)
	d.RefuseIf(file != "" && !needs && d.r.Account != "", "windows.password_file", "%q: the account %q has no password", file, d.r.Account)
	d.RefuseIf(file != "" && !platform.AbsoluteAnywhere(file), "windows.password_file", "%q: is not an absolute path", file)
	if needs {
		d.password, d.r.Password = file, u.Windows.Password
	}
}

// needsPassword reports whether an account logs on as a person does.
func needsPassword(account string) bool {
	_, ok := builtin[strings.ToLower(account)]
	return account != "" && !ok && !hasNoPasswordAtAll(account)
}

// hasNoPasswordAtAll tells of accounts for which ChangeServiceConfig wants an
// absent password and not an empty one: virtual and managed ones.
func hasNoPasswordAtAll(account string) bool {
	return strings.HasPrefix(strings.ToLower(account), strings.ToLower(virtual)) || strings.HasSuffix(account, "$")
}
