// Package examples holds what readers copy; its tests hold those files to the
// product.
package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/config"
	"nsecbunker/internal/signerrelay"
)

func TestConfigurationsAreReadByTheProduct(t *testing.T) {
	files, err := filepath.Glob("config/*.toml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d configurations (%v)", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Parse(b); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestProxiesPassWebSocketsOnForLongEnough: to the default address, with the
// headers of an upgrade, and without cutting what is silent between two pings.
func TestProxiesPassWebSocketsOnForLongEnough(t *testing.T) {
	for _, file := range []string{"nginx.conf", "Caddyfile"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), config.Default().Listen) {
			t.Errorf("%s does not pass on to %s", file, config.Default().Listen)
		}
	}
	b, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"proxy_http_version 1.1;", "Upgrade $http_upgrade;", `Connection "upgrade";`, "limit_conn "} {
		if !strings.Contains(string(b), want) {
			t.Errorf("nginx.conf lacks %s", want)
		}
	}
	for _, m := range regexp.MustCompile(`proxy_\w+_timeout (\d+)s;`).FindAllStringSubmatch(string(b), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || time.Duration(n)*time.Second < signerrelay.DefaultPingEvery+signerrelay.DefaultPongTimeout {
			t.Errorf("nginx.conf: %s cuts connections that are alive", m[0])
		}
	}
}
