//go:build linux

package test_test

import (
	"strings"
	"testing"
)

// openrc-run 0.56 loses a child that ends too soon, and hangs. A stand-in always hangs in
// this way. Every command of ours ends nevertheless, and says what it waited for.
func TestOpenRCHangs(t *testing.T) {
	t.Parallel()
	onOpenRC(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.must(`$S install --start && cp /run/shipper/shipper.pid /tmp/app.pid
real=$(command -v rc-service) && mv "$real" "$real.real" && echo "$real" >/tmp/app.rc
printf '#!/bin/sh\nsleep 31337 &\nwait\n' >"$real" && chmod 755 "$real"`)
		s.must("$S reload") // who runs is known, and asked directly
		for _, verb := range []string{"start", "stop"} {
			stdout, stderr, code := s.sh("$S --timeout 1s " + verb)
			if said := stdout + stderr; code != 1 || !strings.Contains(said, "took too long") {
				t.Errorf("%s: code %d: %s", verb, code, said)
			}
		}
		stdout, stderr, code := s.sh("$S status")
		if said := stdout + stderr; code == 3 || !strings.Contains(said, "openrc does not answer: took too long") || !strings.Contains(said, "process  ") {
			t.Errorf("status: code %d: %s", code, said)
		}
		s.must(`cmp /run/shipper/shipper.pid /tmp/app.pid; pkill -f 'sleep 3133[7]'; real=$(cat /tmp/app.rc); mv "$real.real" "$real"; $S uninstall --purge`)
	})
}
