package secret

import "golang.org/x/sys/unix"

// NoDumps keeps the whole process out of core dumps, wherever the system sends
// those, and from being read or traced by other programs of the same user. The
// arena is kept out by itself; what passes over the heap (texts that are
// decrypted) is not.
func NoDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
