package cli_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A plan for containers is the definition alone, for the command that applies it. It is made
// for the machine's scope, whoever makes it.
func TestPlanForContainers(t *testing.T) {
	cfg := service.Config{Name: "feedd", User: "1000", Env: map[string]string{"DB_PASSWORD": "hidden"}}
	for manager, begin := range map[string]string{"kubernetes": "apiVersion: apps/v1\nkind: StatefulSet\n", "compose": "services:\n  feedd:\n"} {
		out, err := command(t, cfg, "plan", "--manager", manager, "--program", "/usr/local/bin/feedd")
		comment, document, _ := strings.Cut(out, "\n")
		if err != nil || !strings.HasPrefix(comment, "# ") || !strings.HasPrefix(document, begin) {
			t.Errorf("%s: %v in\n%s", manager, err, out)
		}
		for _, part := range []string{
			`["/usr/local/bin/feedd", "run", "--state-dir", "/data/feedd", "--scope", "system"]`,
			`"/usr/local/bin/feedd", "status", "--state-dir", "/data/feedd", "--scope", "system", "--manager", "none", "--ready"]`,
		} {
			if !strings.Contains(document, part) {
				t.Errorf("%s: no %s in\n%s", manager, part, document)
			}
		}
		dry, err := command(t, cfg, "install", "--dry-run", "--manager", manager, "--program", "/usr/local/bin/feedd")
		if err != nil || dry != out || strings.Contains(dry, "hidden") {
			t.Errorf("%v: install --dry-run shows something else:\n%s", err, dry)
		}
		if out, err = command(t, cfg, "plan", "--json", "--manager", manager, "--program", "/usr/local/bin/feedd"); err != nil || !strings.Contains(out, `"kind": "write-file"`) {
			t.Errorf("%v in\n%s", err, out)
		}
	}
}

// What is about this machine, and every command that would act, is refused; the error has the
// command that applies a plan.
func TestContainersAreOnlyPlanned(t *testing.T) {
	cfg := service.Config{Name: "feedd"}
	for manager, apply := range map[string]string{"kubernetes": "feedd plan --manager kubernetes | kubectl apply -f -", "compose": "feedd plan --manager compose | docker compose -f - up --detach"} {
		for _, line := range []string{
			"install", "install --start", "uninstall", "start", "stop", "restart", "reload", "status", "logs", "doctor", "upgrade /bin/true", "rollback", "versions", "bugreport", "fleet status",
		} {
			_, err := command(t, cfg, append(strings.Fields(line), "--manager", manager)...)
			if cli.ExitCode(err) != 2 || !strings.Contains(err.Error(), apply) {
				t.Errorf("%s: %v", line, err)
			}
		}
		for _, flag := range []string{"--adopt", "--create-user", "--diff", "--copy-to=/usr/local/bin"} {
			if _, err := command(t, cfg, "plan", "--manager", manager, flag); cli.ExitCode(err) != 2 || !strings.Contains(err.Error(), "about this machine") {
				t.Errorf("plan %s: %v", flag, err)
			}
		}
		if _, err := command(t, cfg, "plan", "--manager", manager, "--scope", "user"); err == nil || !strings.Contains(err.Error(), "scope") {
			t.Errorf("a user's: %v", err)
		}
		bad := config(t, "[service]\nuser = \"feed\"\nafter = [\"db\"]\n")
		_, err := command(t, cfg, "check", "--manager", manager, "--config", bad)
		if cli.ExitCode(err) != 78 {
			t.Errorf("check: %v", err)
		}
	}
}
