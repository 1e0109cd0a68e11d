package proc

var Listed = listed
