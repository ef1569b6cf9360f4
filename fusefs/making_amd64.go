package fusefs

import "golang.org/x/sys/unix"

var legacyCalls = map[int]makingCall{
	unix.SYS_MKDIR:    {path: 0, flags: none, how: none},
	unix.SYS_MKNOD:    {path: 0, flags: none, how: none},
	unix.SYS_SYMLINK:  {path: 1, flags: none, how: none},
	unix.SYS_LINK:     {path: 1, flags: none, how: none},
	unix.SYS_RENAME:   {path: 1, flags: none, how: none},
	unix.SYS_RENAMEAT: {path: 3, flags: none, how: none},
	unix.SYS_OPEN:     {path: 0, flags: 1, how: none},
}
