package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestPrintedConfigIsReadBackTheSame(t *testing.T) {
	b, err := Default().Print()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("got %+v\nwant %+v", c, Default())
	}
	for _, want := range []string{"# Where the embedded signer relay listens", "listen = ", "delete_wait = "} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is not in the printed configuration", want)
		}
	}
}

func TestBadConfigNamesTheThingAndTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"listen = \"127.0.0.1:1\"\nlisten_addr = \"x\"\n": `line 2: there is no setting "listen_addr"`,
		"listen = 3\n":                            "line 1, column 10: listen: text in quotes is wanted here, not integer",
		"secret_memory = \"a lot\"\n":             "secret_memory: a number is wanted here, not string",
		"relays = \"wss://a.example\"\n":          `relays: a list of texts, such as ["…", "…"] is wanted here, not string`,
		"listen = \"nowhere\"\n":                  "listen: ",
		"tls_cert = \"a\"\n":                      "tls_cert and tls_key go together",
		"relays = [\"http://x\"]\n":               "relays: ",
		"allow = [\"10.0.0.0\"]\n":                "allow: ",
		"proxies = [\"localhost\"]\n":             "proxies: ",
		"admin_hosts = [\"https://a.example\"]\n": "admin_hosts: ",
		"admin_hosts = [\"a.example:443\"]\n":     "admin_hosts: ",
		"admin_hosts = [\"*.example\"]\n":         "admin_hosts: ",
		"admin_hosts = [\"\"]\n":                  "admin_hosts: ",
		"admin_hosts = [\"0.0.0.0\"]\n":           "admin_hosts: ",
		"admin_hosts = [" + strings.Repeat("\"a\",", MaxAdminHosts+1) + "]\n": "admin_hosts: ",
		"admin_app = \"yes\"\n":                                                 "admin_app: true or false is wanted here, not string",
		"unattended = [\"magic\"]\n":                                            "unattended: ",
		"delete_wait = \"1s\"\n":                                                "delete_wait: ",
		"delete_wait = \"soon\"\n":                                              "no duration",
		"log_level = \"loud\"\n":                                                "log_level: ",
		"metrics_listen = \"9464\"\n":                                           "metrics_listen: ",
		"metrics_listen = \"9.9.9.9:9464\"\n":                                   "public address",
		"[wallet]\nkind = \"cash\"\n":                                           "wallet.kind: ",
		"[wallet]\nurl = \"https://a.example\"\n":                               "wallet.kind: ",
		"[wallet]\nkind = \"lnd\"\n":                                            "wallet.url: ",
		"[wallet]\nkind = \"nwc\"\nurl = \"https://a.example\"\n":               "wallet.url: ",
		"[wallet]\nkind = \"nwc\"\nsecret = \"nostr+walletconnect://\"\n":       "wallet.secret: ",
		"[wallet]\nkind = \"nwc\"\nsecret = \"/run/nwc\"\nnetwork = \"moon\"\n": "wallet.network: ",
		"[wallet]\nkind = \"lnd\"\nurl = \"https://a\"\nsecret = \"/m\"\ntls_cert = \"tls.cert\"": "wallet.tls_cert: ",
		"log_format = \"xml\"\n":       "log_format: ",
		strings.Repeat("#", MaxSize+1): "larger than",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

func TestLoadWithoutAFileIsTheDefault(t *testing.T) {
	dir := t.TempDir()
	c, err := Load(dir)
	if err != nil || !reflect.DeepEqual(c, Default()) {
		t.Fatalf("got %+v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(dir, File), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), File) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

// A browser sends its Host header in lower case and without a final dot.
func TestNamesOfTheAdminAppAreThoseThatABrowserSends(t *testing.T) {
	c, err := Parse([]byte("admin_hosts = [\"Bunker.Example.com.\", \"192.0.2.7\", \"2001:DB8::1\", \"harbour\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(c.AdminHosts, " "), "bunker.example.com 192.0.2.7 2001:db8::1 harbour"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !c.AdminApp {
		t.Error("the admin app is not served by default")
	}
}

func FuzzConfig(f *testing.F) {
	b, _ := Default().Print()
	f.Add(b)
	f.Add([]byte("listen = \"127.0.0.1:4848\"\nrelays = [\"wss://relay.example.com\"]\nallow = [\"10.0.0.0/8\", \"a:1\"]\n"))
	f.Add([]byte("[a]\nb = 1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		again, err := c.Print()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("printed but not read: %v\n%s", err, again)
		}
	})
}
