package singleton

// LocksItself reports whether a process has locked a file by a call of its own.
var LocksItself = locksItself
