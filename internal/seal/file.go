package seal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

const (
	// MinKeyMaterial is the fewest bytes of a key file, a credential or a
	// command's output.
	MinKeyMaterial = 32
	// MaxKeyMaterial is the most bytes of a key file or a credential.
	MaxKeyMaterial = 64 << 10
	// MaxCredentialName is the most bytes of a credential's name.
	MaxCredentialName = 255
)

// readKeyFile reads a file that only we may read: a regular file of our own, not
// open to the group or others.
func readKeyFile(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, refuse("the path of a key file must be absolute; %q is not", path)
	}
	return readSecretFile(path, func(st *unix.Stat_t) error {
		if uint32(st.Mode)&0o077 != 0 {
			return refuse("others may read the key file %s; run: chmod 600 %s", path, path)
		}
		if int(st.Uid) != os.Geteuid() {
			return refuse("the key file %s belongs to another user; run: chown %d %s", path, os.Geteuid(), path)
		}
		return nil
	})
}

// readCredential reads a credential of systemd. The manager, not the mode, says
// who may read those (it uses ACLs), so only files open to everybody are refused.
func readCredential(dir, name string) ([]byte, error) {
	if err := checkCredentialName(name); err != nil {
		return nil, err
	}
	if dir == "" {
		return nil, refuse("no systemd credentials were passed (CREDENTIALS_DIRECTORY is not set); use LoadCredential=%s:… in the unit", name)
	}
	path := filepath.Join(dir, name)
	return readSecretFile(path, func(st *unix.Stat_t) error {
		if uint32(st.Mode)&0o007 != 0 {
			return refuse("everybody may read the credential %s", path)
		}
		return nil
	})
}

func checkCredentialName(name string) error {
	if name == "" || len(name) > MaxCredentialName || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) {
		return refuse("the name of a credential is letters, digits, dots, hyphens and underscores; %q is not", name)
	}
	return nil
}

// readSecretFile reads MinKeyMaterial to MaxKeyMaterial bytes of a regular file
// after check had a look at the file that was opened, not at the path.
func readSecretFile(path string, check func(*unix.Stat_t) error) ([]byte, error) {
	// O_NONBLOCK: a pipe in the file's place must not stop us.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, refuse("the key file %s cannot be opened: %s", path, err).WithCause(&os.PathError{Op: "open", Path: path, Err: err})
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("looking at %s: %w", path, err)
	}
	if uint32(st.Mode)&unix.S_IFMT != unix.S_IFREG {
		return nil, refuse("%s is no regular file", path)
	}
	if err := check(&st); err != nil {
		return nil, err
	}
	b := make([]byte, MaxKeyMaterial+1)
	n, err := io.ReadFull(f, b)
	switch {
	case err == nil:
		err = refuse("%s is longer than %d bytes; a key file holds 32 random bytes", path, MaxKeyMaterial)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("reading %s: %w", path, err)
	case n < MinKeyMaterial:
		err = refuse("%s is shorter than %d bytes; make a key file with: head -c 32 /dev/urandom", path, MinKeyMaterial)
	default:
		return b[:n:n], nil
	}
	secret.Wipe(b)
	return nil, err
}

// refuse is an error that names what is wrong with a slot's source.
func refuse(format string, args ...any) *bunker.Error {
	return bunker.Errorf(bunker.CodeInvalid, format, args...)
}
