package scm

var NewHost = newHost

// Handle is what the SCM's thread calls.
func (h *Host) Handle(c Control, eventType uint32, session int) uint32 {
	return h.handle(c, eventType, session)
}

// Begin is the first report.
func (h *Host) Begin() error { return h.change((*report).begin) }

var (
	Introduce  = (*Host).introduce
	OurSource  = ourSource
	AccessList = access
)
