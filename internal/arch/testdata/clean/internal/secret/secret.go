package secret

import _ "golang.org/x/sys/unix"
