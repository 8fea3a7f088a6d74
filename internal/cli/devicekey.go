package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/secret"
)

// deviceFile is this device's key for one bunker and one admin, mode 0600 in the
// configuration folder. Another bunker, or another admin, sees another device.
type deviceFile struct {
	path string
	key  adminwire.DeviceKey
	said deviceSaid
}

type deviceSaid struct {
	Key    string `json:"key"`             // 32 bytes, hex
	Login  int64  `json:"login,omitempty"` // last certificate, unix ms
	Paired bool   `json:"paired,omitempty"`
}

// maxDeviceFile is the longest file of a device's key, in bytes.
const maxDeviceFile = 4 << 10

// openDevice reads the device's key, or makes one.
func (a *app) openDevice(target adminwire.ConnectionString, key *adminKey) (*deviceFile, error) {
	base, err := a.xdg("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return nil, err
	}
	name := target.Bunker.String()
	if key != nil {
		sum := sha256.Sum256([]byte(key.source))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	d := &deviceFile{path: filepath.Join(base, "nsecbunker", "remote", name+".json")}
	err = d.read()
	if errors.Is(err, fs.ErrNotExist) {
		return d, d.make()
	}
	return d, err
}

func (d *deviceFile) read() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fail("%s can be read by others (mode %04o)", d.path, info.Mode().Perm()).withHint("chmod 600 %s", d.path)
	}
	b, err := readAll(context.Background(), f, maxDeviceFile)
	if err != nil {
		return err
	}
	defer secret.Wipe(b)
	if err := json.Unmarshal(b, &d.said); err == nil {
		var raw []byte
		if raw, err = hex.DecodeString(d.said.Key); err == nil {
			defer secret.Wipe(raw)
			d.key, err = adminwire.ParseDeviceKey(raw)
		}
		if err == nil {
			return nil
		}
	}
	return fail("%s is no device's key", d.path).withHint("move the file away; the bunker will ask to confirm this device anew")
}

func (d *deviceFile) make() (err error) {
	if d.key, err = adminwire.NewDeviceKey(); err != nil {
		return err
	}
	raw, err := d.key.Bytes()
	if err != nil {
		return err
	}
	defer secret.Wipe(raw)
	d.said = deviceSaid{Key: hex.EncodeToString(raw)}
	return d.save()
}

func (d *deviceFile) save() error {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(d.said)
	if err != nil {
		return err
	}
	defer secret.Wipe(b)
	return replaceFile(d.path, b)
}

func (d *deviceFile) login() time.Time { return time.UnixMilli(d.said.Login) }

func (d *deviceFile) paired() bool { return d.said.Paired }

// loggedIn notes a login.
func (d *deviceFile) loggedIn(now time.Time, paired bool) error {
	d.said.Login, d.said.Paired = now.UnixMilli(), d.said.Paired || paired
	return d.save()
}
