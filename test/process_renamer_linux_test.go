package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The service's user keeps moving the service's files, and puts links, FIFOs and files of
// root in their place. Meanwhile root queries, starts, reloads and stops the service. No
// command of root blocks, every process that root began ends, and only files of the service
// change.
func TestIssue9_RenameRacesAgainstRoot(t *testing.T) {
	user := publicPlace(t, plainUser)
	root := user.as(0)
	secret := filepath.Join(filepath.Dir(user.exe), "secret")
	must(t, os.WriteFile(secret, []byte("root's alone"), 0o600))
	for _, dir := range []string{user.run, user.state} {
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.Chown(dir, plainUser, plainUser))
	}
	renamer := user.launch(t, "renamer", plan{}, append([]string{secret}, user.files()...)...)
	renamer.out.await(t, "up")
	started := 0
	for range 6 {
		a := root.start(t, plan{})
		status := root.do(t, "status")
		for _, r := range []result{status, root.do(t, "reload"), root.do(t, "status", "--json"), root.do(t, "stop")} {
			if strings.Contains(r.out+r.err, "root's alone") {
				t.Fatalf("it tells a secret:\n%s%s", r.out, r.err)
			}
		}
		if a.log.has("ready: after=") {
			started++
		}
		if a.alive() { // whom none of the files names may run on
			_ = a.cmd.Process.Signal(os.Interrupt)
		}
		a.end(t)
	}
	renamer.leave(t)
	t.Logf("%d of 6 starts got through", started)
	info, err := os.Lstat(secret)
	must(t, err)
	if content(t, secret) != "root's alone" || info.Mode() != 0o600 {
		t.Errorf("root's file is %v by now and holds %q", info.Mode(), content(t, secret))
	}
	for _, dir := range []string{user.run, user.state} { // what the last round left there
		must(t, errors.Join(os.RemoveAll(dir)))
	}
	user.run, user.state = filepath.Join(filepath.Dir(user.exe), "own", "run"), filepath.Join(filepath.Dir(user.exe), "own", "state")
	user.free(t)
}
