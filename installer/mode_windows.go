package installer

// modesCount is false: a file has an access list, and a mode that only says whether it may be written to.
const modesCount = false
