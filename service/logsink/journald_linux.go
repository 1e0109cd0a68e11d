package logsink

import "github.com/coreos/go-systemd/v22/journal"

func journalSender() sendJournal {
	return func(message string, severity int, fields map[string]string) error {
		return journal.Send(message, journal.Priority(severity), fields)
	}
}

// stderrInJournal follows systemd.exec(5): $JOURNAL_STREAM holds device and inode
// of the stream, and is inherited by those whose standard error leads elsewhere.
func stderrInJournal() bool {
	in, err := journal.StderrIsJournalStream()
	return in && err == nil
}
