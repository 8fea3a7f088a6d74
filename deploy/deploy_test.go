// Package deploy holds what runs a bunker elsewhere; its tests hold those files
// to what security.md asks for.
package deploy

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// directives reads a systemd unit: "Section.Key" to its values, in order.
func directives(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	section := ""
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			section = line[1 : len(line)-1]
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			t.Fatalf("%s:%d: not a directive: %q", file, i+1, line)
		}
		all[section+"."+key] = append(all[section+"."+key], value)
	}
	return all
}

func TestUnitKeepsSecretsInMemoryAndTheServiceInItsFolder(t *testing.T) {
	got := directives(t, "nsecbunker.service")
	for key, want := range map[string]string{
		"ExecStart":               "/usr/local/bin/nsecbunker start",
		"User":                    "nsecbunker",
		"LoadCredential":          "passphrase:nsecbunker.passphrase",
		"StateDirectory":          "nsecbunker",
		"StateDirectoryMode":      "0700",
		"UMask":                   "0077",
		"LimitCORE":               "0",
		"LimitMEMLOCK":            "64M",
		"MemorySwapMax":           "0",
		"OOMPolicy":               "continue",
		"ProtectSystem":           "strict",
		"ProtectHome":             "yes",
		"PrivateTmp":              "yes",
		"PrivateDevices":          "yes",
		"PrivateUsers":            "yes",
		"ProtectProc":             "invisible",
		"ProtectKernelTunables":   "yes",
		"ProtectKernelModules":    "yes",
		"ProtectKernelLogs":       "yes",
		"ProtectControlGroups":    "yes",
		"ProtectClock":            "yes",
		"ProtectHostname":         "yes",
		"NoNewPrivileges":         "yes",
		"CapabilityBoundingSet":   "",
		"AmbientCapabilities":     "",
		"LockPersonality":         "yes",
		"MemoryDenyWriteExecute":  "yes",
		"RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
		"RestrictNamespaces":      "yes",
		"RestrictRealtime":        "yes",
		"RestrictSUIDSGID":        "yes",
		"SystemCallArchitectures": "native",
		"Restart":                 "on-failure",
	} {
		if v := got["Service."+key]; !slices.Equal(v, []string{want}) {
			t.Errorf("%s is %q, want %q", key, v, want)
		}
	}
	if v := got["Service.SystemCallFilter"]; !slices.Equal(v, []string{"@system-service", "~@privileged @resources"}) {
		t.Errorf("SystemCallFilter is %q", v)
	}
	for _, env := range []string{"NSECBUNKER_DATA=/var/lib/nsecbunker", "GOTRACEBACK=none"} {
		if !slices.Contains(got["Service.Environment"], env) {
			t.Errorf("the environment lacks %s", env)
		}
	}
	if len(got["Service.ReadWritePaths"]) > 0 {
		t.Error("the state folder is the one place that is written")
	}
}

func TestDropInReplacesTheCredentialByTheEncryptedOne(t *testing.T) {
	got := directives(t, "unattended.conf")
	if v := got["Service.LoadCredential"]; !slices.Equal(v, []string{""}) {
		t.Errorf("LoadCredential is %q: the plain one must be taken away", v)
	}
	if v := got["Service.LoadCredentialEncrypted"]; !slices.Equal(v, []string{"passphrase:nsecbunker.passphrase"}) {
		t.Errorf("LoadCredentialEncrypted is %q", v)
	}
}

func TestContainersRunWithoutPrivilegesOnOneVolume(t *testing.T) {
	for file, wants := range map[string][]string{
		"compose.yaml": {
			"read_only: true", "cap_drop: [ALL]", `"no-new-privileges:true"`, "memlock:", "core: 0", `["data:/data"]`,
			"NSECBUNKER_PASSPHRASE_FILE: /run/secrets/passphrase",
		},
		"../Dockerfile": {
			"FROM scratch AS base", "USER 65532:65532", `VOLUME ["/data"]`, "NSECBUNKER_DATA=/data", "GOTRACEBACK=none",
			`ENTRYPOINT ["/nsecbunker"]`, `CMD ["start"]`, `CMD ["/nsecbunker", "doctor", "--quick"]`, "FROM base AS image",
		},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %s", file, want)
			}
		}
		for _, never := range []string{"privileged: true", "USER root", "network_mode: host", "ports:"} {
			if strings.Contains(string(text), never) {
				t.Errorf("%s has %s", file, never)
			}
		}
	}
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if last := strings.LastIndex(string(text), "\nFROM "); !strings.HasPrefix(string(text[last+1:]), "FROM base AS image") {
		t.Error("the last stage, which a plain docker build takes, is not the image")
	}
}
