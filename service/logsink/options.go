package logsink

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/platform"
)

// Options say where the log goes, and in which form. They are the table [service.log]. The
// zero value logs from info upwards, as text, to the journal or to standard error.
type Options struct {
	// Level is the least severe level that is logged: trace, debug, info, warn or error. Empty:
	// info.
	Level string `toml:"level" help:"least severe level that is logged: trace, debug, info, warn, error; a reload applies it"`
	// Format is text or json. Empty: text, in colours if standard error is a terminal and
	// $NO_COLOR is not set. It applies to every sink: with json, the message in the journal or in
	// syslog is a JSON object.
	Format string `toml:"format" help:"text or json"`
	// Sink is auto, stderr, journald, syslog, eventlog or file. Auto, or empty, means file if File
	// is set, otherwise journald if standard error leads to the journal, and otherwise stderr. A
	// service that the Windows SCM has started has no standard error, and uses eventlog.
	Sink string `toml:"sink" help:"auto (journald under systemd, eventlog under the SCM, else stderr), stderr, journald, syslog, eventlog, file"`

	// File is the absolute path for the sink file. A new file has mode 0640 and a new directory
	// 0750, less the umask. An existing file keeps its mode. A path that leads to anything but a
	// regular file is refused, and so is a directory that everybody can write to.
	File string `toml:"file" help:"absolute path of the log file, for sink = \"file\""`
	// MaxSizeMB is the size in MiB at which the file is rotated: it is renamed to NAME-TIME.EXT,
	// and a new one with its mode and owner is begun. 0: 100.
	MaxSizeMB int `toml:"max_size_mb" help:"size in MiB at which the file is rotated"`
	// MaxBackups is the number of rotated files that are kept. 0: 7.
	MaxBackups int `toml:"max_backups" help:"number of rotated files to keep"`
	// MaxAgeDays is the number of days for which a rotated file is kept. 0: only MaxBackups
	// decides.
	MaxAgeDays int `toml:"max_age_days" help:"days to keep a rotated file; 0: max_backups alone decides"`
}

// Defaults returns the values that zero values stand for.
func Defaults() Options {
	return Options{Level: "info", Format: "text", Sink: "auto", MaxSizeMB: 100, MaxBackups: 7}
}

const (
	// Above these limits, a size or a time.Duration would overflow, or the number is a mistake.
	mostSizeMB  = 1 << 20 // 1 TiB
	mostBackups = 100_000
	mostAgeDays = 36_500
)

// A FieldError says that an option has an invalid value. Field is its TOML key within the
// table, so that the reader of a file can name the line.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("log option %q: %v", e.Field, e.Err) }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// Check returns a [*FieldError] for the first field with a value that is invalid on every
// system. It does not touch the machine. [Open] finds out whether this system has the sink,
// and whether the file can be opened.
func (o Options) Check() error {
	if _, err := parseLevel(o.Level); err != nil {
		return err
	}
	if err := oneOf("format", o.Format, "text", "json"); err != nil {
		return err
	}
	if err := oneOf("sink", o.Sink, "auto", "stderr", "journald", "syslog", "eventlog", "file"); err != nil {
		return err
	}
	toFile := o.Sink == "file" || o.File != ""
	switch {
	case toFile && o.File == "":
		return &FieldError{"sink", errors.New(`"file" needs a path: set file, too`)}
	case toFile && !slices.Contains([]string{"file", "auto", ""}, o.Sink):
		return &FieldError{"file", fmt.Errorf("has no effect with the sink %q: remove one of them", o.Sink)}
	case toFile && !platform.AbsoluteAnywhere(o.File):
		return &FieldError{"file", fmt.Errorf("%q is not an absolute path", o.File)}
	}
	d := Defaults()
	for _, n := range []struct {
		field                 string
		value, standard, most int
	}{
		{"max_size_mb", o.MaxSizeMB, d.MaxSizeMB, mostSizeMB},
		{"max_backups", o.MaxBackups, d.MaxBackups, mostBackups},
		{"max_age_days", o.MaxAgeDays, d.MaxAgeDays, mostAgeDays},
	} {
		switch {
		case n.value < 0 || n.value > n.most:
			return &FieldError{n.field, fmt.Errorf("%d is not between 0 and %d", n.value, n.most)}
		case n.value != 0 && n.value != n.standard && !toFile:
			return &FieldError{n.field, errors.New("has no effect without a file")}
		}
	}
	return nil
}

// sink returns the sink that auto stands for.
func (o Options) sink(inJournal func() bool) string {
	switch {
	case o.Sink != "" && o.Sink != "auto":
		return o.Sink
	case o.File != "":
		return "file"
	case inJournal():
		return "journald"
	}
	return "stderr"
}

func oneOf(field, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return &FieldError{field, fmt.Errorf("%q is not one of %s", value, strings.Join(allowed, ", "))}
}

// parseLevel is stricter than hclog.LevelFromString, which accepts "off" and capital letters.
// Nobody wants a service that logs nothing at all.
func parseLevel(s string) (hclog.Level, error) {
	if err := oneOf("level", s, "trace", "debug", "info", "warn", "error"); err != nil {
		return hclog.NoLevel, err
	}
	return hclog.LevelFromString(cmp.Or(s, "info")), nil
}
