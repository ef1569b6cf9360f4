// Package integration holds the tests of the whole: the real program, its command line, its
// REST API over a real socket, and its file system in a real kernel mount.
package integration
