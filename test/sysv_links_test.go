//go:build linux

package test_test

import (
	"strings"
	"testing"
)

// chkconfig is a stand-in for Red Hat's: it makes the links that the script's
// header asks for, and notes what it was called with.
const chkconfig = `#!/bin/sh
echo "$*" >>/root/chkconfig.called
levels() { sed -n "s/^# $1: *//p" "/etc/init.d/$2"; }
case $1 in
--add)
	for l in $(levels Default-Start "$2"); do ln -sf "../init.d/$2" "/etc/rc$l.d/S80$2"; done
	for l in $(levels Default-Stop "$2"); do ln -sf "../init.d/$2" "/etc/rc$l.d/K20$2"; done
	;;
--del) rm -f /etc/rc?.d/[SK]??"$2" ;;
*) exit 1 ;;
esac
`

// withoutTools takes away what makes links; classic gives the scripts of the
// machine's end the places that they have where insserv has never been.
const (
	withoutTools = "mv /usr/sbin/update-rc.d /usr/sbin/insserv /root; rm /etc/init.d/.depend.*; "
	classic      = `for d in /etc/rc0.d /etc/rc6.d; do
	cd $d && mv K??sendsigs S20sendsigs && mv K??umountnfs.sh S31umountnfs.sh && mv K??umountfs S40umountfs && mv K??umountroot S60umountroot || exit 1
done
mv /etc/rc0.d/K??halt /etc/rc0.d/S90halt && mv /etc/rc6.d/K??reboot /etc/rc6.d/S90reboot`
)

// Whatever program makes the links, the service runs after a reboot and was stopped in
// order before it, and uninstall removes all links. For update-rc.d, see TestBehaviour.
func TestSysVLinks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ prepare, numbers string }{
		"insserv":                          {"mv /usr/sbin/update-rc.d /root", ""}, // as it likes
		"chkconfig":                        {withoutTools + classic, "S80 K20"},
		"by hand":                          {withoutTools + classic, "S90 K10"},
		"by hand, with numbers of insserv": {withoutTools, "S90 K"}, // before those that stop what is left: their number depends on what else is installed
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onSysV(t, func(t *testing.T, s shipped) {
				s.must(tt.prepare)
				if name == "chkconfig" {
					if err := s.b.Write("/sbin/chkconfig", []byte(chkconfig), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				// insserv gives the links of others new numbers as it likes.
				const links = `cd /etc; find rc?.d | sed 's,\([SK]\)[0-9][0-9],\1,' | sort`
				s.must("{ " + links + "; } >/root/app.before")
				s.configure("")
				s.must("$S install && $S install") // again: nothing to do
				got := s.must(links + " | diff /root/app.before - | grep '^>' | sed 's,> ,,'; test $(readlink -f /etc/rc2.d/S*shipper) = /etc/init.d/shipper")
				want := "rc0.d/Kshipper rc1.d/Kshipper rc2.d/Sshipper rc3.d/Sshipper rc4.d/Sshipper rc5.d/Sshipper rc6.d/Kshipper"
				if strings.Join(strings.Fields(got), " ") != want {
					t.Errorf("links:\n%s", got)
				}
				if tt.numbers == "S90 K" {
					tt.numbers += strings.TrimSpace(s.must(`cd /etc/rc0.d; n=$(ls | sed -n 's/^K\(..\)sendsigs$/\1/p'); printf %02d $((${n#0} - 1))`))
				}
				if numbers := s.must("cd /etc; echo $(ls rc2.d rc0.d | sed -n 's/shipper$//p' | sort -r)"); tt.numbers != "" && numbers != tt.numbers {
					t.Errorf("numbers: %s, want %s", numbers, tt.numbers)
				}
				for range 2 {
					if err := s.b.Reboot(t.Context()); err != nil {
						t.Fatal(err)
					}
					s.until(`$S status --json | grep '"ready": true'`)
				}
				s.must(`$S status --json | grep -A1 '"last_exit"' | grep '"clean": true' && $S status --json | grep '"enabled": true'`)
				if name == "chkconfig" {
					s.must(`test "$(cat /root/chkconfig.called)" = "--add shipper"`)
				}
				s.must("$S uninstall --purge; " + links + " | diff /root/app.before -")
			})
		})
	}
}

// Links that are made by hand keep the order of two services, too.
func TestSysVLinksByHandKeepOrder(t *testing.T) {
	t.Parallel()
	onSysV(t, func(t *testing.T, s shipped) {
		s.must(withoutTools + classic)
		s.configure("")
		s.installTwo()
		s.boots()
	})
}
