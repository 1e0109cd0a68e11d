package cli

// CountChildren counts where the kernel keeps no list of a process's children.
var CountChildren = countChildren
