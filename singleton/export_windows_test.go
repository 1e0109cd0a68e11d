package singleton

import "golang.org/x/sys/windows"

// Makers are those to whom a mutex is given in a directory of that access list.
func Makers(sddl string) ([]string, error) {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, err
	}
	return makersBy(sd), nil
}
