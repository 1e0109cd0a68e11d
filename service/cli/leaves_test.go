package cli_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// uninstall names each place that still has something of the service, once, and how to remove
// it, unless that was just done.
func TestUninstallNamesWhatStays(t *testing.T) {
	const hint = " (uninstall --purge removes state and logs)"
	config := func(p *place) { p.cfg.File = p.dir + "/feedd.toml"; p.put(p.cfg.File, "") }
	logFile := func(p *place) { p.cfg.Log.File = p.dir + "/feedd.log"; p.put(p.cfg.Log.File, "a line\n") }
	data := func(p *place) { p.put(p.cfg.StateDir+"/feeds.db", "data") }
	own := func(p *place) { p.put(p.cfg.StateDir+"/feedd.lastrun.json", "{}") }
	usual := func(p *place) { // the user's configuration directory
		d, err := p.cfg.DirsFor(p.cfg.Scope)
		if err == nil {
			err = os.MkdirAll(d.Config, 0o755)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		p.put(filepath.Join(d.Config, "feedd.toml"), "")
		p.put(filepath.Join(d.Config, "feeds.toml"), "")
		if runtime.GOOS == "windows" || runtime.GOOS == "darwin" { // where it would lie beside the state, and is named alone
			p.t.Skip("the directory is not one of configurations alone there")
		}
		p.cfg.RuntimeDir = filepath.Join(p.dir, "run")
	}
	for name, tt := range map[string]struct {
		so     []func(*place)
		args   string
		stays  []string // by their path in the place
		config []string // likewise
		hinted bool
	}{
		"nothing":                      {nil, "uninstall", nil, nil, false},
		"its state":                    {[]func(*place){own}, "uninstall", []string{"state"}, nil, true},
		"its data":                     {[]func(*place){data, own}, "uninstall", []string{"state"}, nil, true},
		"its configuration":            {[]func(*place){config}, "uninstall", nil, []string{"feedd.toml"}, false},
		"its log file":                 {[]func(*place){logFile}, "uninstall", []string{"feedd.log"}, nil, true},
		"all":                          {[]func(*place){logFile, config, data}, "uninstall", []string{"state", "feedd.log"}, []string{"feedd.toml"}, true},
		"purged, nothing":              {nil, "uninstall --purge", nil, nil, false},
		"purged, its state":            {[]func(*place){own}, "uninstall --purge", nil, nil, false},
		"purged, its configuration":    {[]func(*place){config, own}, "uninstall --purge", nil, []string{"feedd.toml"}, false},
		"purged, a log file outside":   {[]func(*place){logFile, config}, "uninstall --purge", []string{"feedd.log"}, []string{"feedd.toml"}, false},
		"purged, data of others":       {[]func(*place){data}, "uninstall --purge --purge-foreign", nil, nil, false},
		"a file that is there no more": {[]func(*place){func(p *place) { p.cfg.Log.File = p.dir + "/gone.log" }}, "uninstall", nil, nil, false},
		"a bad configuration":          {[]func(*place){badFile, own}, "uninstall", []string{"state"}, nil, true},
		"the usual configuration":      {[]func(*place){usual}, "uninstall --purge", nil, []string{"CONFIG"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, v := range []string{"HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "LocalAppData"} {
				t.Setenv(v, filepath.Join(p.dir, "home"))
			}
			for _, so := range tt.so {
				so(p)
			}
			d, err := p.cfg.DirsFor(p.cfg.Scope)
			if err != nil {
				t.Fatal(err)
			}
			if code, err := p.run(strings.Fields(tt.args)...); code != 0 {
				t.Fatal(err)
			}
			want := "feedd is uninstalled (fake).\n"
			var stays []string
			places := func(names []string) (all []string) {
				for _, s := range names {
					if rest, usual := strings.CutPrefix(s, "CONFIG"); usual {
						all = append(all, filepath.Join(d.Config, rest))
					} else {
						all = append(all, filepath.Join(p.dir, s))
					}
				}
				stays = append(stays, all...)
				return all
			}
			if written := places(tt.stays); len(written) > 0 {
				want += "What it has written stays: " + strings.Join(written, ", ")
				if tt.hinted {
					want += hint
				}
				want += "\n"
			}
			if config := places(tt.config); len(config) > 0 {
				want += "Its configuration stays: " + strings.Join(config, ", ") + "\n"
			}
			if got := p.out.String(); filepath.ToSlash(got) != filepath.ToSlash(want) {
				t.Errorf("it says %q, want %q", got, want)
			}
			for _, path := range stays {
				if _, err := os.Lstat(path); err != nil {
					t.Errorf("it is said to stay: %v", err)
				}
			}
		})
	}
}

// A failed uninstall does not claim to be done.
func TestUninstallThatFailsClaimsNothing(t *testing.T) {
	for name, so := range map[string]func(*place){
		"another runs": byHand,
		"unmanaged":    unmanaged,
		"of others":    func(p *place) { p.theirs(nil) },
		"its lock":     func(p *place) { p.lock = os.ErrInvalid },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			so(p)
			p.put(p.cfg.StateDir+"/feedd.lastrun.json", "{}")
			if code, _ := p.run("uninstall", "--purge"); code == 0 || p.out.Len() > 0 {
				t.Errorf("exit code %d, says %q", code, p.out.String())
			}
			if _, err := os.Stat(p.cfg.StateDir + "/feedd.lastrun.json"); err != nil {
				t.Error(err)
			}
		})
	}
}
