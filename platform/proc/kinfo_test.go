package proc_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// golden returns a struct kinfo_proc of a 64-bit machine in the layout of <sys/user.h> of
// FreeBSD 14: process 4711, child of 1, effective user 1001, real user 0, started at
// 1764401400.123456, sleeping (SSLEEP). All other bytes are 0xee.
func golden() []byte {
	text := "40040000" + "00000000" + // ki_structsize, ki_layout
		strings.Repeat("ee", 8*8) + // ki_args ... ki_wchan
		"67120000" + "01000000" + // ki_pid, ki_ppid
		strings.Repeat("ee", 4*4+2+2+4+4*16) + // ki_pgid ... ki_tsid, ki_jobc, a spare, ki_tdev, four signal sets
		"e9030000" + "00000000" + // ki_uid, ki_ruid
		strings.Repeat("ee", 3*4+2+2+16*4) + // ki_svuid ... ki_svgid, ki_ngroups, a spare, ki_groups
		strings.Repeat("ee", 6*8+2+2+5*4+8) + // ki_size ... ki_ssize, ki_xstat, ki_acflag, ki_pctcpu ... ki_cow, ki_runtime
		"f8a02a6900000000" + "40e2010000000000" + // ki_start
		strings.Repeat("ee", 16+8+8+4) + // ki_childtime, ki_flag, ki_kiflag, ki_traceflag
		"03" // ki_stat
	raw, err := hex.DecodeString(text + strings.Repeat("ee", 1088-len(text)/2))
	if err != nil {
		panic(err)
	}
	return raw
}

func TestParseKinfo(t *testing.T) {
	got, err := proc.ParseKinfo(golden())
	want := proc.Kinfo(4711, 1, 1001, 1764401400*time.Second+123456*time.Microsecond, false)
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	zombie := golden()
	zombie[388] = 5
	if got, err := proc.ParseKinfo(zombie); err != nil || got != proc.Kinfo(4711, 1, 1001, 1764401400*time.Second+123456*time.Microsecond, true) {
		t.Errorf("zombie: %+v, %v", got, err)
	}
	if _, err := proc.ParseKinfo(nil); !errors.Is(err, proc.ErrGone) {
		t.Errorf("nobody: %v", err)
	}
	foreign := golden()
	foreign[0], foreign[1] = 0x00, 0x03 // 768 bytes: i386
	for name, raw := range map[string][]byte{"cut off": golden()[:1087], "only its size": golden()[:4], "another layout": foreign} {
		if got, err := proc.ParseKinfo(raw); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A process stays the same when the wall clock is set: kernel and boot time move together.
func TestSinceBootedIgnoresTheWallClock(t *testing.T) {
	const boot, age = 1764400000 * time.Second, 1400*time.Second + 123456*time.Microsecond
	for _, moved := range []time.Duration{0, time.Hour, -400 * 24 * time.Hour} {
		if got, settled := proc.SinceBooted(boot+moved+age, boot+moved, boot+moved); !settled || got != 1400123456 {
			t.Errorf("moved by %v: %d, %v", moved, got, settled)
		}
	}
	if _, settled := proc.SinceBooted(boot+age, boot, boot+time.Second); settled {
		t.Error("the clock was set while we looked, and that went unnoticed")
	}
	if _, settled := proc.SinceBooted(boot-1, boot, boot); settled {
		t.Error("started before the boot")
	}
}
