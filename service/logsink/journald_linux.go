package logsink

import "github.com/coreos/go-systemd/v22/journal"

func journalSender() sendJournal {
	return func(message string, severity int, fields map[string]string) error {
		return journal.Send(message, journal.Priority(severity), fields)
	}
}

// stderrInJournal reports whether standard error leads to the journal. It compares the file
// with the device and inode in $JOURNAL_STREAM (systemd.exec(5)), because processes inherit
// this variable even if their standard error leads elsewhere.
func stderrInJournal() bool {
	in, err := journal.StderrIsJournalStream()
	return in && err == nil
}
