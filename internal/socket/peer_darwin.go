package socket

import (
	"net"

	"golang.org/x/sys/unix"
)

// peer returns the user at the other end.
func peer(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	uid = -1
	var inner error
	err = raw.Control(func(fd uintptr) {
		var c *unix.Xucred
		if c, inner = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); inner == nil {
			uid = int(c.Uid)
		}
	})
	if err == nil {
		err = inner
	}
	return uid, err
}
