package cli

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

func (a *app) bugreportCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "bugreport",
		Short: "Collect a report for support in one archive, without secrets",
		Long: "Collect a report for support in one archive (tar.gz, readable by its owner alone): versions, plan, status, doctor, the end of the log, " +
			"the manager's definition, the configuration in force (of a bad one the lines, without values) and the service's records. It works while the service is down and without root, and says what it could not collect.\n\n" +
			"Possible secrets are struck out: values of the environment and of the program's own tables, values of keys, flags and variables with names like those of secrets, users and passwords in URLs, " +
			"and what looks like a token. Read the report before you send it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			path := cmp.Or(output, fmt.Sprintf("%s-bugreport-%s.tar.gz", t.id, a.Now().UTC().Format("20060102T150405Z")))
			r := a.bugreport(cmd, t)
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			size, err := r.writeTo(path, a.Now())
			if err != nil {
				return fmt.Errorf("bugreport %q: %w", t.id, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%d KiB, for your eyes only)\n%s", path, (size+1023)/1024, r.contents())
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the archive to `FILE`, which must not exist yet (default: in this directory, with the time in its name)")
	return cmd
}

// A bugreport is an archive under construction.
type bugreport struct {
	*redactor
	mu         sync.Mutex // a part that hangs may arrive when nobody waits any more
	parts      []part
	missing    []string // the parts that could not be had, and why
	definition *platform.Definition
}

type part struct {
	name, what string
	content    []byte
}

// sectionFor limits the time to find out one part.
const sectionFor = time.Minute

// add adds a text.
func (r *bugreport) add(name, what, text string) {
	r.put(part{name, what, []byte(r.text(text))})
}

// addJSON adds a value as JSON.
func (r *bugreport) addJSON(name, what string, v any) {
	b, err := r.json(v)
	if err != nil {
		r.lacks(what, err)
		return
	}
	r.put(part{name, what, append(b, '\n')})
}

func (r *bugreport) put(p part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts = append(r.parts, p)
}

// lacks records that a part is missing.
func (r *bugreport) lacks(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing = append(r.missing, oneLine(r.text(fmt.Sprintf("%s: %v", what, err))))
}

// addFile adds a file that somebody else may have written.
func (r *bugreport) addFile(name, what, path string) {
	content, _, err := files.Read(path, files.MaxRecord)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		r.lacks(what, err)
	case len(content) == 0: // for example crash.txt, which exists before Go writes anything
	default:
		r.add(name, what+", "+path, string(content))
	}
}

// contents lists what the archive contains.
func (r *bugreport) contents() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, p := range r.parts {
		fmt.Fprintf(&b, "  %-16s %s\n", p.name, oneLine(p.what))
	}
	if len(r.missing) > 0 {
		b.WriteString("could not be collected:\n")
	}
	for _, m := range r.missing {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	b.WriteString("Possible secrets are struck out. Read the report before you send it.\n")
	return b.String()
}

// writeTo writes the archive to a new file that only its owner can read. With an error it
// leaves no file.
func (r *bugreport) writeTo(path string, now time.Time) (size int64, err error) {
	var b bytes.Buffer
	if err := r.pack(&b, strings.TrimSuffix(filepath.Base(path), ".tar.gz"), now); err != nil {
		return 0, err
	}
	f, err := files.Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = f.Write(b.Bytes())
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return int64(b.Len()), err
}

func (r *bugreport) pack(w io.Writer, dir string, now time.Time) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	contents := part{"CONTENTS.txt", "", []byte(r.contents())}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range append([]part{contents}, r.parts...) {
		err := t.WriteHeader(&tar.Header{Name: dir + "/" + p.name, Mode: 0o600, Size: int64(len(p.content)), ModTime: now, Format: tar.FormatPAX})
		if err == nil {
			_, err = t.Write(p.content)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}
