package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

const (
	// ServiceKeyFile is the service key's file in the data folder.
	ServiceKeyFile = "service.key"
	// ServiceKeyCredential is the service key's name as a systemd credential.
	ServiceKeyCredential = "nsecbunker-service-key"

	serviceKeySize = 32
)

// ErrNoServiceKey means that there is neither a file nor a credential.
var ErrNoServiceKey = errors.New("seal: there is no service key")

// ReadServiceKey returns the service key: the credential, if systemd passed one,
// else the file in the data folder. 32 bytes, which the caller wipes.
//
// Errors: ErrNoServiceKey; a file or credential that is not 32 bytes (or 64 hex
// digits), or that others may read.
func ReadServiceKey(dataDir, credentialsDir string) ([]byte, error) {
	if credentialsDir != "" {
		b, err := readCredential(credentialsDir, ServiceKeyCredential)
		if err == nil {
			return asServiceKey(b, "the credential "+ServiceKeyCredential)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	path, err := filepath.Abs(filepath.Join(dataDir, ServiceKeyFile))
	if err != nil {
		return nil, fmt.Errorf("finding the service key: %w", err)
	}
	b, err := readKeyFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, bunker.Errorf(bunker.CodeNotFound, "the service key %s is missing; bring it back from your backup, because the apps' connections depend on it", path).
			WithCause(ErrNoServiceKey)
	}
	if err != nil {
		return nil, err
	}
	return asServiceKey(b, path)
}

// asServiceKey takes 32 bytes, or 64 hex digits with or without a line end.
func asServiceKey(b []byte, from string) ([]byte, error) {
	if len(b) == serviceKeySize {
		return b, nil
	}
	defer secret.Wipe(b)
	text := b
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
		text = text[:len(text)-1]
	}
	key := make([]byte, serviceKeySize)
	if len(text) == hex.EncodedLen(serviceKeySize) {
		if _, err := hex.Decode(key, text); err == nil {
			return key, nil
		}
	}
	secret.Wipe(key)
	return nil, refuse("%s is no service key: it holds neither 32 bytes nor 64 hex digits", from)
}

// CreateServiceKey makes a random service key in a data folder that has none,
// and returns it; the caller wipes it. The file appears whole or not at all, is
// on disk when this returns, and never replaces another: then the error is
// os.ErrExist.
func CreateServiceKey(dataDir string) ([]byte, error) {
	key := make([]byte, serviceKeySize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	if err := createSecretFile(filepath.Join(dataDir, ServiceKeyFile), key); err != nil {
		secret.Wipe(key)
		return nil, fmt.Errorf("making the service key: %w", err)
	}
	return key, nil
}

// CreateKeyFile makes a key file of 32 random bytes, mode 0600, for a slot. It
// never replaces another file: then the error is os.ErrExist.
func CreateKeyFile(path string) error {
	key := make([]byte, MinKeyMaterial)
	defer secret.Wipe(key)
	rand.Read(key)
	if err := createSecretFile(path, key); err != nil {
		return fmt.Errorf("making a key file: %w", err)
	}
	return nil
}

// createSecretFile writes a file of mode 0600, all or nothing.
func createSecretFile(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if rm := os.Remove(f.Name()); err == nil {
			err = rm
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what is there.
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
