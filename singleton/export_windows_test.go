package singleton

import "golang.org/x/sys/windows"

// Makers returns the users to whom a mutex is open in a directory with that access list.
func Makers(sddl string) ([]string, error) {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, err
	}
	return makersBy(sd), nil
}
