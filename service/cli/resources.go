package cli

// resources has what a process uses now. -1 means that a value is not known.
type resources struct {
	RSS      int64   `json:"rss_bytes"`
	CPU      float64 `json:"cpu_percent"` // average since its start
	Threads  int     `json:"threads"`
	FDs      int     `json:"fds"`
	Children int     `json:"children"`
}
