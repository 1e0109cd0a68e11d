package ship_test

import (
	"os"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// whole is a valid checkpoint.
const whole = `{"version":1,"output":{"path":"/o","id":"1:2","offset":3,"crc32":4},` +
	`"files":[{"path":"/i","id":"1:3","offset":5,"crc32":6,"skipping":true,"missing_since":"2026-01-02T03:04:05Z"}]}`

func TestDamagedCheckpointIsRefused(t *testing.T) {
	cases := map[string]string{
		"empty":                    "",
		"cut off":                  whole[:len(whole)/2],
		"binary":                   "\x00\x00\x00\x00",
		"something behind it":      whole + "{}",
		"an unknown key":           `{"version":1,"colour":"red"}`,
		"no version":               `{"output":{"path":"/o","id":"1:2"}}`,
		"a version to come":        `{"version":2,"output":{"path":"/o","id":"1:2"}}`,
		"no output":                `{"version":1}`,
		"a negative length":        `{"version":1,"output":{"path":"/o","id":"1:2","offset":-1}}`,
		"a negative offset":        `{"version":1,"output":{"path":"/o","id":"1:2"},"files":[{"path":"/i","id":"1:3","offset":-5}]}`,
		"a file without a name":    `{"version":1,"output":{"path":"/o","id":"1:2"},"files":[{"offset":5}]}`,
		"an offset out of bounds":  `{"version":1,"output":{"path":"/o","id":"1:2","offset":99999999999999999999}}`,
		"an offset that is a text": `{"version":1,"output":{"path":"/o","id":"1:2","offset":"3"}}`,
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t).add("x.log", "1\n").open().ship()
			b.kill()
			b.must(os.WriteFile(b.opts.Checkpoint, []byte(text), 0o600))
			err := b.tryOpen()
			wantError(t, err, ship.ErrCheckpoint, b.opts.Checkpoint)
			wantError(t, err, nil, "restore a copy, or remove it")
			b.want("1")
			if got := b.read("state/x.checkpoint.json"); got != text {
				t.Errorf("the evidence was changed to %q", got)
			}
		})
	}
	t.Run("the whole one is not", func(t *testing.T) {
		if err := ship.ParseCheckpoint([]byte(whole)); err != nil {
			t.Error(err)
		}
	})
	t.Run("one that cannot be read is no damaged one", func(t *testing.T) {
		b := newBed(t)
		b.must(os.Mkdir(b.opts.Checkpoint, 0o700))
		if err := b.tryOpen(); err == nil {
			t.Error("opened")
		}
	})
}

// Any checkpoint that can be decoded can be opened without a panic, and is not trusted
// blindly.
func FuzzCheckpoint(f *testing.F) {
	for _, seed := range []string{whole, "", "{", `{"version":1,"output":{"path":"/o","id":"1:2"},"files":[{"path":"/i","id":"1:3","offset":1}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if ship.ParseCheckpoint(text) != nil {
			return
		}
		b := newBed(t).add("x.log", "1\n")
		b.must(os.WriteFile(b.opts.Output, []byte("precious\n"), 0o600))
		b.must(os.WriteFile(b.opts.Checkpoint, text, 0o600))
		b.open().ship().want("precious 1")
	})
}
