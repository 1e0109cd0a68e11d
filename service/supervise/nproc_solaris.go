package supervise

// limitOfProcesses is none here: who asks for it is refused.
const limitOfProcesses = -1
