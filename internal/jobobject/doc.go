// Package jobobject starts commands in job objects of Windows, so that what they start can be
// ended with them, and ends with this process. It is empty elsewhere.
package jobobject
