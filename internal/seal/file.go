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
	// MaxSecretFile is the most bytes of a file with a secret of another service.
	MaxSecretFile = 8 << 10
	// CredentialPrefix begins a secret's place that is a systemd credential.
	CredentialPrefix = "credential:"
)

// readKeyFile reads a file that only we may read: a regular file of our own, not
// open to the group or others.
func readKeyFile(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, refuse("the path of a key file must be absolute; %q is not", path)
	}
	return readSecretFile(path, ownOnly(path))
}

// ownOnly accepts a file that nobody else may read.
func ownOnly(path string) func(*unix.Stat_t) error {
	return func(st *unix.Stat_t) error {
		if uint32(st.Mode)&0o077 != 0 {
			return refuse("others may read the key file %s; run: chmod 600 %s", path, path)
		}
		if int(st.Uid) != os.Geteuid() {
			return refuse("the key file %s belongs to another user; run: chown %d %s", path, os.Geteuid(), path)
		}
		return nil
	}
}

// ReadSecret reads the secret of another service, a wallet's, from its place: the
// whole path of a file that nobody else may read, or credential:NAME for a systemd
// credential. It is 1 to MaxSecretFile bytes long; the caller wipes it.
func ReadSecret(place, credentialsDir string) ([]byte, error) {
	if name, ok := strings.CutPrefix(place, CredentialPrefix); ok {
		path, check, err := credentialFile(credentialsDir, name)
		if err != nil {
			return nil, err
		}
		return readBounded(path, check, 1, MaxSecretFile, "it holds no secret", "it holds more than a secret")
	}
	if !filepath.IsAbs(place) {
		return nil, refuse("a secret's place is the whole path of a file, or credential:NAME; %q is neither", place)
	}
	return readBounded(place, ownOnly(place), 1, MaxSecretFile, "it holds no secret", "it holds more than a secret")
}

// readCredential reads a credential of systemd. The manager, not the mode, says
// who may read those (it uses ACLs), so only files open to everybody are refused.
func readCredential(dir, name string) ([]byte, error) {
	path, check, err := credentialFile(dir, name)
	if err != nil {
		return nil, err
	}
	return readSecretFile(path, check)
}

// credentialFile is where a credential lies, and what it is checked by.
func credentialFile(dir, name string) (string, func(*unix.Stat_t) error, error) {
	if err := checkCredentialName(name); err != nil {
		return "", nil, err
	}
	if dir == "" {
		return "", nil, refuse("no systemd credentials were passed (CREDENTIALS_DIRECTORY is not set); use LoadCredential=%s:… in the unit", name)
	}
	path := filepath.Join(dir, name)
	return path, func(st *unix.Stat_t) error {
		if uint32(st.Mode)&0o007 != 0 {
			return refuse("everybody may read the credential %s", path)
		}
		return nil
	}, nil
}

func checkCredentialName(name string) error {
	if name == "" || len(name) > MaxCredentialName || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) {
		return refuse("the name of a credential is letters, digits, dots, hyphens and underscores; %q is not", name)
	}
	return nil
}

// readSecretFile reads MinKeyMaterial to MaxKeyMaterial bytes.
func readSecretFile(path string, check func(*unix.Stat_t) error) ([]byte, error) {
	return readBounded(path, check, MinKeyMaterial, MaxKeyMaterial, "make a key file with: head -c 32 /dev/urandom", "a key file holds 32 random bytes")
}

// readBounded reads least to most bytes of a regular file after check had a look at
// the file that was opened, not at the path. short and long are what to do else.
func readBounded(path string, check func(*unix.Stat_t) error, least, most int, short, long string) ([]byte, error) {
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
	b := make([]byte, most+1)
	n, err := io.ReadFull(f, b)
	switch {
	case err == nil:
		err = refuse("%s is longer than %d bytes; %s", path, most, long)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("reading %s: %w", path, err)
	case n < least:
		err = refuse("%s is shorter than %d bytes; %s", path, least, short)
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
