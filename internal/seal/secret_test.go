package seal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnotherServicesSecretIsReadFromAFileOfOursOrACredential(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for place, want := range map[string]string{put("own", "key", 0o600): "key", CredentialPrefix + filepath.Base(put("wallet", "other", 0o440)): "other"} {
		if b, err := ReadSecret(place, dir); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", place, b, err)
		}
	}
	for place, words := range map[string]string{
		"relative":                    "whole path",
		put("open", "key", 0o644):     "chmod 600",
		put("empty", "", 0o600):       "holds no secret",
		filepath.Join(dir, "missing"): "cannot be opened",
		dir:                           "no regular file",
		CredentialPrefix + "../own":   "letters, digits",
		CredentialPrefix + "none":     "cannot be opened",
		put("long", strings.Repeat("x", MaxSecretFile+1), 0o600): "more than a secret",
	} {
		if b, err := ReadSecret(place, dir); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %q %v", place, b, err)
		}
	}
	if _, err := ReadSecret(CredentialPrefix+"wallet", ""); err == nil || !strings.Contains(err.Error(), "LoadCredential") {
		t.Errorf("without credentials: %v", err)
	}
}
