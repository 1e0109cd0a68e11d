package scm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Dirs are the directories of a service. Base contains the others and the configuration.
type Dirs struct{ Base, Runtime, State, Logs string }

// takenNames lists directories in %ProgramData% that belong to Windows, or to software on most
// machines. Their access lists must not be changed.
var takenNames = []string{
	"chocolatey", "docker", "intel", "microsoft", "nvidia", "packages", "regid.1991-06.com.microsoft",
	"softwaredistribution", "ssh", "templates", "usoprivate", "usoshared",
}

// checkID refuses an id that cannot name a service with directories of its own.
func checkID(id platform.ID) error {
	errs := []error{room.CheckNames(id)}
	if id.Scope == platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: the SCM has no user services: use --scope system: %w", id.Scope, platform.ErrBadUnit))
	}
	if slices.Contains(takenNames, strings.ToLower(id.String())) {
		errs = append(errs, fmt.Errorf("name %q: is a directory in %%ProgramData%% that does not belong to the service: %w", id, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// builtin returns the name that the SCM stores for an account without a password that every
// Windows has. lower is in lower case.
func builtin(lower string) (stored string, ok bool) {
	switch lower {
	case "", "localsystem", "system", `nt authority\system`:
		return "LocalSystem", true
	case "localservice", `nt authority\localservice`:
		return `NT AUTHORITY\LocalService`, true
	case "networkservice", `nt authority\networkservice`:
		return `NT AUTHORITY\NetworkService`, true
	}
	return "", false
}

const virtual = `NT SERVICE\`

// account sets the account of the service. A password never appears in a definition, a plan or
// a journal: it is read when the service is registered.
func (d *definition) account(u platform.Unit) {
	user, file := d.text("user", u.User), d.text("windows.password_file", u.Windows.PasswordFile)
	lower := strings.ToLower(user)
	known, ok := builtin(lower)
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
		d.Refuse("user", `%q: needs a password: name a file that holds it in windows.password_file, or choose LocalSystem, LocalService, NetworkService, %q or a managed account (DOMAIN\name$)`, user, own)
	case !strings.ContainsAny(user, `\@`):
		d.r.Account = `.\` + user // a local account: see CreateService
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

// needsPassword reports whether an account needs a password, as that of a person does.
func needsPassword(account string) bool {
	_, ok := builtin(strings.ToLower(account))
	return account != "" && !ok && !hasNoPasswordAtAll(account)
}

// hasNoPasswordAtAll reports whether an account is a virtual or managed one, for which
// ChangeServiceConfig requires an absent password instead of an empty one.
func hasNoPasswordAtAll(account string) bool {
	return strings.HasPrefix(strings.ToLower(account), strings.ToLower(virtual)) || strings.HasSuffix(account, "$")
}
