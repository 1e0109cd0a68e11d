package doctor

import (
	"fmt"
	"path/filepath"
	"time"
)

func journalRefused(f Facts) []Finding {
	if f.Work == nil || f.Work.Refused == "" {
		return nil
	}
	return only(found(Warning, "its journal of interrupted work is not used, so no work is recorded and none is run again: %s", f.Work.Refused))
}

func journalDamaged(f Facts) []Finding {
	if f.Work == nil || f.Work.Damaged <= 0 {
		return nil
	}
	return only(found(Warning, "%d entries of its journal of interrupted work are damaged and cannot be read", f.Work.Damaged))
}

func journalAside(f Facts) (all []Finding) {
	if f.Work == nil {
		return nil
	}
	for _, path := range f.Work.Aside {
		all = append(all, found(Warning, "an earlier journal of interrupted work could not be used and was set aside, with what was in it: %s", path).
			fix("rm "+word(filepath.ToSlash(path))))
	}
	return all
}

func workSetAside(f Facts) []Finding {
	if f.Work == nil || f.Work.SetAside <= 0 {
		return nil
	}
	return only(found(Warning, "%s set aside, because the service crashed too often while doing it", pieces(f.Work.SetAside)).see(f.line("work list")))
}

func workInterrupted(f Facts) []Finding {
	if f.Work == nil || f.Work.Interrupted <= 0 {
		return nil
	}
	return only(found(Warning, "%s interrupted, and not run again by itself", pieces(f.Work.Interrupted)).see(f.line("work list")))
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece of work was"
	}
	return fmt.Sprintf("%d pieces of work were", n)
}

func upgradeOnTrial(f Facts) []Finding {
	u := f.Upgrade
	if u.OnTrial == "" || u.Interrupted {
		return nil
	}
	return only(found(Note, "%s is on trial, not confirmed%s", u.OnTrial, prefixed(": ", u.Step)).see(f.line("versions")))
}

func upgradeInterrupted(f Facts) []Finding {
	u := f.Upgrade
	switch {
	case u.Unreadable != "":
		return only(found(Warning, "the record of the versions cannot be used: %s", u.Unreadable))
	case !u.Interrupted:
		return nil
	}
	return only(found(Warning, "an upgrade to %s was interrupted: the process that ran it is gone%s", u.OnTrial, prefixed(", and it was at ", u.Step)).fix(f.line("versions")))
}

// remembered is how long a failed upgrade stays a warning.
const remembered = 7 * 24 * time.Hour

func upgradeRolledBack(f Facts) []Finding {
	u := f.Upgrade
	if u.RolledBack == "" {
		return nil
	}
	s := Warning
	if f.Now.Sub(u.At) > remembered {
		s = Note
	}
	return only(found(s, "the upgrade to %s, on %s, was rolled back: %s", u.RolledBack, when(u.At), u.Reason).see(f.line("versions")))
}
