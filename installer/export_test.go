package installer

const ModesCount = modesCount
