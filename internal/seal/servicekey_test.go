package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"nsecbunker/internal/bunker"
)

func TestTheServiceKeyIsMadeOnceAndReadAgain(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadServiceKey(dir, "")
	wantErr(t, err, ErrNoServiceKey)
	made, err := CreateServiceKey(dir)
	must(t, err)
	got, err := ReadServiceKey(dir, "")
	must(t, err)
	if len(made) != 32 || !bytes.Equal(got, made) || bytes.Equal(made, make([]byte, 32)) {
		t.Fatalf("made %d bytes, read %d", len(made), len(got))
	}
	if _, err := CreateServiceKey(dir); !errors.Is(err, os.ErrExist) {
		t.Fatalf("the service key was replaced: %v", err)
	}
	st, err := os.Stat(filepath.Join(dir, ServiceKeyFile))
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", st.Mode())
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Fatalf("files left behind: %v", left)
	}
	must(t, os.Chmod(filepath.Join(dir, ServiceKeyFile), 0o644))
	_, err = ReadServiceKey(dir, "")
	wantCode(t, err, bunker.CodeInvalid)
}

func TestACredentialIsTheServiceKeyBeforeTheFile(t *testing.T) {
	dir, creds := t.TempDir(), t.TempDir()
	file, err := CreateServiceKey(dir)
	must(t, err)
	got, err := ReadServiceKey(dir, creds) // other credentials, not this one
	must(t, err)
	if !bytes.Equal(got, file) {
		t.Fatal("the file was not read")
	}
	want := bytes.Repeat([]byte{9}, 32)
	path := filepath.Join(creds, ServiceKeyCredential)
	for _, content := range [][]byte{want, []byte(hex.EncodeToString(want)), []byte(hex.EncodeToString(want) + "\r\n")} {
		must(t, os.WriteFile(path, content, 0o400))
		must(t, os.Chmod(path, 0o600))
		got, err := ReadServiceKey(dir, creds)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Fatalf("from %q: %x", content, got)
		}
	}
	for _, content := range [][]byte{want[:31], bytes.Repeat([]byte{9}, 33), bytes.Repeat([]byte("z"), 64), []byte(hex.EncodeToString(want) + "00"), nil} {
		must(t, os.WriteFile(path, content, 0o600))
		// A credential that is there and wrong is not passed over in silence.
		_, err := ReadServiceKey(dir, creds)
		wantCode(t, err, bunker.CodeInvalid)
	}
}

func TestAServiceKeyIsNotMadeWhereNothingCanBeWritten(t *testing.T) {
	if _, err := CreateServiceKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}
