package systemd_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// One query returns everything that only systemd knows.
func TestExamine(t *testing.T) {
	const asked = ctl + "show --property=LoadState,LoadError,NeedDaemonReload,TimeoutStopUSec,MemoryCurrent,MemoryMax,TasksCurrent,TasksMax feedd.service"
	for name, tt := range map[string]struct {
		out  string
		want platform.Examination
	}{
		"well":     {"LoadState=loaded\nLoadError=\nNeedDaemonReload=no\nTimeoutStopUSec=1min 30s\nMemoryCurrent=[not set]\nMemoryMax=infinity\nTasksCurrent=7\nTasksMax=18446744073709551615\n", platform.Examination{KillAfter: 90 * time.Second}},
		"unread":   {"LoadState=loaded\nNeedDaemonReload=yes\nTimeoutStopUSec=infinity\n", platform.Examination{Unread: true}},
		"broken":   {"LoadState=bad-setting\nLoadError=org.freedesktop.systemd1.BadUnitSetting \"no ExecStart\"\n", platform.Examination{Broken: `bad-setting org.freedesktop.systemd1.BadUnitSetting "no ExecStart"`}},
		"bounded":  {"TasksCurrent=7\nTasksMax=8\n", platform.Examination{Uses: []platform.Use{{What: "tasks", Used: 7, Max: 8}}}},
		"no sense": {"TimeoutStopUSec=soon\nTasksCurrent=-1\nTasksMax=x\n=\n", platform.Examination{}},
	} {
		t.Run(name, func(t *testing.T) {
			sys := &machine{files: map[string]string{}, answers: map[string]answer{asked: {out: tt.out}}}
			got, err := systemd.New(sys, systemd.Options{User: "ann"}).Examine(t.Context(), feeddID)
			if got.Own[platform.MendReread] != "systemctl daemon-reload" || got.Own[platform.MendLogin] != "loginctl enable-linger ann" {
				t.Errorf("%v", got.Own)
			}
			if got.Own = nil; err != nil || !reflect.DeepEqual(got, tt.want) || !slices.Equal(sys.ran, []string{asked}) {
				t.Errorf("got %+v, %v; want %+v; asked %q", got, err, tt.want, sys.ran)
			}
		})
	}
	// A script of the same name is a leftover where there is a unit.
	sys := &machine{
		files:   map[string]string{"/etc/init.d/feedd": "#!/bin/sh\n# Made by holdfast\n", "/etc/systemd/system/feedd.service": "x"},
		answers: map[string]answer{asked: {out: "LoadState=loaded\n"}},
	}
	m := systemd.New(sys, systemd.Options{})
	got, err := m.Examine(t.Context(), feeddID)
	if err != nil || len(got.Leftovers) != 1 || !got.Leftovers[0].Ours || got.Leftovers[0].Remove != "rm /etc/init.d/feedd" {
		t.Errorf("%+v, %v", got.Leftovers, err)
	}
	delete(sys.files, "/etc/systemd/system/feedd.service")
	if got, err = m.Examine(t.Context(), feeddID); err != nil || len(got.Leftovers) != 0 {
		t.Errorf("%+v, %v", got.Leftovers, err)
	}
	sys.answers[asked] = answer{code: 1}
	if got, err = m.Examine(t.Context(), feeddID); err == nil {
		t.Errorf("%+v", got)
	}
}
