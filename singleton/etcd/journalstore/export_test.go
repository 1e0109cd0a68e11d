package journalstore

// Failing makes a store fail where at returns an error: before a commit, after each piece that
// is staged, when the pieces are valid, after each that is applied, after each page that is
// read, and with each answer of etcd.
func Failing(o Options, at func(string) error) Options {
	o.hook = at
	return o
}
