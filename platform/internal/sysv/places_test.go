package sysv_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd/initdtest"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
)

// A service whose links have the wrong order is reported, and one with the right order is not,
// whoever made the links.
func TestPlaces(t *testing.T) {
	const (
		script = ours + "### BEGIN INIT INFO\n# Required-Start:    $remote_fs\n# Should-Start:      $network db\n### END INIT INFO\n# Required-Start: x\n"
		all    = "/etc/rc0.d/K01feedd\n/etc/rc2.d/S03feedd\n/etc/rc3.d/S03feedd\n/etc/rc6.d/K01feedd\n"
		db     = "/etc/rc0.d/K02db\n/etc/rc2.d/S02db\n/etc/rc6.d/K02db\n"
		end    = "/etc/rc0.d/K03sendsigs\n/etc/rc6.d/K03sendsigs\n"
	)
	without := func(link string) string { return strings.Replace(all, link+"\n", "", 1) }
	for name, tt := range map[string]struct {
		links, db, inittab, beside string
		boot, place                string
	}{
		"in its place":              {links: all, db: db},
		"what it needs has none":    {links: all},
		"no links at all":           {links: ""}, // it is disabled, as the status says
		"an order of somebody else": {links: without("/etc/rc2.d/S03feedd"), db: db, beside: "/etc/insserv/overrides/feedd"},
		"not where it boots to":     {links: without("/etc/rc2.d/S03feedd"), db: db, boot: "/etc/rc2.d has no link that starts it"},
		"boots to somewhere else":   {links: without("/etc/rc2.d/S03feedd"), db: db, inittab: "id:3:initdefault:\n"},
		"who knows where it boots":  {links: without("/etc/rc2.d/S03feedd"), db: db, inittab: "#\n"},
		"never stopped":             {links: "/etc/rc2.d/S03feedd\n", db: db, place: "no link stops it in /etc/rc0.d and /etc/rc6.d"},
		"not stopped at a reboot":   {links: without("/etc/rc6.d/K01feedd"), db: db, place: "no link stops it in /etc/rc6.d:"},
		"started too early":         {links: all, db: strings.Replace(db, "S02", "S04", 1), place: "in runlevel 2 it is started as S03feedd, before S04db"},
		"stopped too late":          {links: all, db: strings.Replace(db, "rc6.d/K02", "rc6.d/K00", 1), place: "in runlevel 6 it is stopped as K01feedd, after K00db"},
		"killed before":             {links: strings.ReplaceAll(all, "K01", "K04"), place: "it is stopped as K04feedd, after K03sendsigs"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{file: script, "/etc/inittab": "# id:5:initdefault:\nid:2:initdefault:\n", "/etc/rc0.d": "", "/etc/rc2.d": "", "/etc/rc6.d": "", "/usr/sbin/update-rc.d": ""}
			if tt.inittab != "" {
				files["/etc/inittab"] = tt.inittab
			}
			if tt.beside != "" {
				files[tt.beside] = ""
			}
			of := func(name string) string { return strings.TrimSuffix(find, "feedd") + name }
			e, err := sysv.New(initdtest.Machine{Files: files, Answers: map[string]initdtest.Answer{
				find: {Out: tt.links}, of("db"): {Out: tt.db}, of("sendsigs"): {Out: end},
			}}).Examine(t.Context(), initdtest.ID)
			if err != nil || !strings.Contains(e.NotAtBoot, tt.boot) || !strings.Contains(e.Misplaced, tt.place) ||
				(e.NotAtBoot == "") != (tt.boot == "") || (e.Misplaced == "") != (tt.place == "") {
				t.Errorf("%v\ngot  %q, %q\nwant %q, %q", err, e.NotAtBoot, e.Misplaced, tt.boot, tt.place)
			}
			if fix := e.Own[platform.MendPlace]; (fix == "/usr/sbin/update-rc.d -f feedd remove") != (tt.boot+tt.place != "") {
				t.Errorf("the way out is %q", fix)
			}
		})
	}
}
