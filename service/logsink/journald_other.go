//go:build !linux

package logsink

func journalSender() sendJournal { return nil }

func stderrInJournal() bool { return false }
