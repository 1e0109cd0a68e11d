package account_test

import (
	"os/user"
	"runtime"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/internal/account"
)

func TestLookups(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its users and groups have no numbers")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{me.Username, me.Uid} {
		if u, err := account.User(name); err != nil || u.Uid != me.Uid {
			t.Errorf("user %s: %v, %v", name, u, err)
		}
		if n, err := account.UID(name); err != nil || strconv.Itoa(n) != me.Uid {
			t.Errorf("number of the user %s: %d, %v", name, n, err)
		}
	}
	const noEntry = 987654
	if n, err := account.UID(strconv.Itoa(noEntry)); err != nil || n != noEntry {
		t.Errorf("a user without an entry: %d, %v", n, err)
	}
	if n, err := account.GID(strconv.Itoa(noEntry)); err != nil || n != noEntry {
		t.Errorf("a group without an entry: %d, %v", n, err)
	}
	if u, err := account.User(strconv.Itoa(noEntry)); err == nil {
		t.Errorf("it has an entry: %v", u)
	}
	for _, bad := range []string{"nobody-of-that-name", "", "-1", "1x"} {
		if n, err := account.UID(bad); err == nil {
			t.Errorf("user %q is %d", bad, n)
		}
		if n, err := account.GID(bad); err == nil {
			t.Errorf("group %q is %d", bad, n)
		}
	}
}
