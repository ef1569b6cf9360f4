//go:build !amd64

package fusefs

var legacyCalls map[int]makingCall
