package daemon

import (
	"archive/tar"
	"bytes"
	"os"
	"strings"
	"testing"
)

// FuzzParcel: whatever is in a file, it is read or refused, and nothing is written but its rows.
func FuzzParcel(f *testing.F) {
	file := func(names ...string) []byte {
		var b bytes.Buffer
		t := tar.NewWriter(&b)
		for _, n := range names {
			content := map[string]string{manifestFile: `{"format":"` + parcelFormat + `","tenant":"t-x"}`, serviceFile: strings.Repeat("ab", 32)}[n]
			if err := packBytes(t, n, []byte(content)); err != nil {
				f.Fatal(err)
			}
		}
		if err := t.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	whole := file(manifestFile, serviceFile, rowsFile)
	f.Add(whole)
	f.Add(whole[:700])
	f.Add(file(serviceFile, manifestFile, rowsFile))
	f.Add(file(manifestFile, serviceFile, "../../"+rowsFile))
	f.Add(append(bytes.Clone(whole[:len(whole)-1024]), whole...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		p, err := readParcel(bytes.NewReader(b), dir)
		if err == nil && (p.Format != parcelFormat || p.rows == "") {
			t.Errorf("read as %+v", p)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 1 || len(left) == 1 && left[0].Name() != rowsFile {
			t.Errorf("written: %v %v", left, err)
		}
	})
}
