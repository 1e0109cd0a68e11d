//go:build !unix

package cli

import "io/fs"

func unexecutable(fs.FileInfo) bool { return false }

func tighten(string, account) string { return "" }

func allow(string, account, fs.FileMode) string { return "" }

// ownerOf returns nothing, because access control lists are not judged. So does openToAll.
func ownerOf(fs.FileInfo) string { return "" }

func openToAll(fs.FileInfo) string { return "" }
