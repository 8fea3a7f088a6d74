// Package config reads config.toml in the data folder. Every field has a
// default that is right for most; what is not known is refused with its line.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip46"
)

// File is the name of the configuration in the data folder.
const File = "config.toml"

// MaxSize is the size in bytes of the largest configuration file.
const MaxSize = 1 << 20

// MaxAdminHosts is how many names the admin app may be served under.
const MaxAdminHosts = 32

const (
	// MaxSecretMemory is the most locked memory for secrets, in MiB.
	MaxSecretMemory = 1024
	// secretMemory and hostedMemory are what there is where nothing is set: below the usual
	// limit of 8 MiB, enough for 20,000 keys and their conversations; and enough for
	// ten thousand bunkers with ten apps each.
	secretMemory = 6
	hostedMemory = 64
)

// Config is the whole configuration. The comments are what `nsecbunker config`
// prints.
type Config struct {
	Listen     string              `toml:"listen" comment:"Where the embedded signer relay listens. Loopback by default: to publish it, put a TLS proxy\nbefore it, or set tls_cert and tls_key and listen on a public address."`
	PublicURL  []string            `toml:"public_url" comment:"The embedded relay's addresses as apps see them, for example [\"wss://bunker.example.com\"].\nEmpty: it is offered on this machine only, and only when no other relay is set."`
	Proxies    []string            `toml:"proxies" comment:"Networks of proxies before the embedded relay, for example [\"127.0.0.1/32\"]: the address that they\nadd to X-Forwarded-For is the one that limits are counted for."`
	AdminApp   bool                `toml:"admin_app" comment:"Serve the admin app, a web page, at /admin/ on listen. It speaks to the bunker as admins do from afar:\nwhoever opens it can do nothing before a login."`
	AdminHosts []string            `toml:"admin_hosts" comment:"Names, besides this machine's own, under which you serve the admin app over https, for example\n[\"bunker.example.com\"]. Under any other name it is refused, so that no foreign page can be pointed here."`
	Metrics    string              `toml:"metrics_listen" comment:"Where numbers for Prometheus are served, at /metrics, for example \"127.0.0.1:9464\"; empty: nowhere. They name no\nkey, app, person or relay, and are not encrypted: not for a public address."`
	TLSCert    string              `toml:"tls_cert" comment:"Certificate and key files for TLS on listen; both or neither."`
	TLSKey     string              `toml:"tls_key"`
	Database   string              `toml:"database" comment:"PostgreSQL for the store, for example \"postgres://nsecbunker@db.example/bunker\"; empty: SQLite in the data\nfolder. No password here: it comes from PGPASSWORD or from the file that PGPASSFILE names. An existing store\nis moved with nsecbunker migrate-store."`
	Shared     bool                `toml:"shared" comment:"Other instances of this bunker use the same PostgreSQL database at the same time. All of them say so, and all have the\nsame service key."`
	Hosted     bool                `toml:"hosted" comment:"Host bunkers for others beside this one, which is the provider's own then (nsecbunker tenant add).\nSee docs/hosted.md."`
	Relays     []string            `toml:"relays" comment:"Relays that apps shall use; taken over into the store at first start. Later: nsecbunker relay add."`
	Allow      []string            `toml:"allow" comment:"Addresses in private networks that may be dialled all the same: CIDRs (\"10.0.0.0/8\") or\nhost:port (\"relay.lan:7777\"). Loopback and private addresses are refused otherwise."`
	Slots      []string            `toml:"unattended" comment:"Kinds of key slots that may open the bunker without a person at start: \"file\", \"credential\", \"command\"."`
	Commands   map[string][]string `toml:"commands" comment:"External commands that yield the key of a slot (nsecbunker seal slot add command NAME):\nthe program with its whole path, then its arguments; no shell. For example\nkms = [\"/usr/bin/kms-tool\", \"decrypt\", \"bunker\"]"`
	AllowSwap  bool                `toml:"allow_swap" comment:"Run although secrets cannot be locked into memory. They could then be written to swap."`
	SecretMem  int                 `toml:"secret_memory" comment:"Locked memory for keys in MiB; 0: 6, and 64 with hosted. A key, a link or an app's connection takes some 300 bytes.\nMore than the system's limit (ulimit -l, LimitMEMLOCK) is refused at start."`
	LogLevel   string              `toml:"log_level" comment:"debug, info, warn or error."`
	LogFormat  string              `toml:"log_format" comment:"auto (coloured on a terminal), text or json."`
	Wallet     Wallet              `toml:"wallet" comment:"The Lightning wallet that a hosted service is paid through. It only receives: a connection that could\npay is refused. Try it: nsecbunker wallet check"`
	Sell       Sell                `toml:"sell" comment:"What a hosted service sells at /buy/, once it has a wallet: see docs/hosted.md."`
	DeleteWait Duration            `toml:"delete_wait" comment:"How long a deleted key can be brought back (at least 1h)."`
}

// Duration is a time.Duration that TOML holds as text, "30s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration as Go does.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration; write for example 30s, 5m or 168h", b)
	}
	*d = Duration(v)
	return nil
}

// Default returns the configuration of a fresh bunker.
func Default() Config {
	return Config{
		Listen:     "127.0.0.1:4848",
		PublicURL:  []string{},
		AdminApp:   true,
		AdminHosts: []string{},
		Proxies:    []string{},
		Relays:     []string{},
		Allow:      []string{},
		Commands:   map[string][]string{},
		Slots:      []string{"file", "credential", "command"},
		LogLevel:   "info",
		LogFormat:  "auto",
		Wallet:     Wallet{Network: "mainnet"},
		Sell:       defaultSell(),
		DeleteWait: Duration(7 * 24 * time.Hour),
	}
}

// Load reads the configuration of a data folder; without a file it is Default.
func Load(dir string) (Config, error) {
	path := filepath.Join(dir, File)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := Parse(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads a configuration; what it does not name keeps its default. Unknown
// keys and values that make no sense are errors that name the line or the key.
func Parse(b []byte) (Config, error) {
	c := Default()
	if len(b) > MaxSize {
		return Config{}, fmt.Errorf("the configuration is larger than %d bytes", MaxSize)
	}
	err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&c)
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		line, _ := unknown.Errors[0].Position()
		return Config{}, fmt.Errorf("line %d: there is no setting %q; `nsecbunker config` prints those that there are",
			line, strings.Join(unknown.Errors[0].Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, col := bad.Position()
		why := valueWords(strings.TrimPrefix(bad.Error(), "toml: "))
		if key := strings.Join(bad.Key(), "."); key != "" {
			why = key + ": " + why
		}
		return Config{}, fmt.Errorf("line %d, column %d: %s", line, col, why)
	}
	if err != nil {
		return Config{}, err
	}
	return c, c.Check()
}

// Check reports the first value that makes no sense.
func (c *Config) Check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %q is no address; write host:port, for example 127.0.0.1:4848", c.Listen)
	}
	if c.Metrics != "" {
		if err := checkMetricsListen(c.Metrics); err != nil {
			return err
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("tls_cert and tls_key go together: set both or neither")
	}
	if c.Database != "" {
		if err := store.CheckDatabase(c.Database); err != nil {
			return errors.New(bunker.AsError(err).Words)
		}
	}
	if c.Shared && c.Database == "" {
		return errors.New("shared: several instances share a PostgreSQL database; name it as database")
	}
	for name, urls := range map[string][]string{"public_url": c.PublicURL, "relays": c.Relays} {
		for i, u := range urls {
			n, err := nip46.NormalizeRelayURL(u)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			urls[i] = n
		}
	}
	if err := c.checkAdminHosts(); err != nil {
		return err
	}
	for _, s := range c.Slots {
		if s != "file" && s != "credential" && s != "command" {
			return fmt.Errorf("unattended: %q is none of file, credential, command", s)
		}
	}
	for name, argv := range c.Commands {
		if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
			return fmt.Errorf("commands: %q must be a list that begins with a program's whole path", name)
		}
	}
	if c.SecretMem < 0 || c.SecretMem > MaxSecretMemory {
		return fmt.Errorf("secret_memory: %d is not between 0 and %d MiB", c.SecretMem, MaxSecretMemory)
	}
	if time.Duration(c.DeleteWait) < time.Hour {
		return fmt.Errorf("delete_wait: %s is less than 1h", time.Duration(c.DeleteWait))
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		return fmt.Errorf("log_level: %q is none of debug, info, warn, error", c.LogLevel)
	}
	switch c.LogFormat {
	case "auto", "text", "json":
	default:
		return fmt.Errorf("log_format: %q is none of auto, text, json", c.LogFormat)
	}
	if _, err := c.ProxyNetworks(); err != nil {
		return err
	}
	if err := c.Wallet.check(); err != nil {
		return err
	}
	if err := c.Sell.check(); err != nil {
		return err
	}
	_, _, err := c.Exceptions()
	return err
}

// ArenaSize is the locked memory for secrets in bytes.
func (c *Config) ArenaSize() int {
	mib := c.SecretMem
	switch {
	case mib > 0:
	case c.Hosted:
		mib = hostedMemory
	default:
		mib = secretMemory
	}
	return mib << 20
}

// ProxyNetworks reads Proxies.
func (c *Config) ProxyNetworks() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, p := range c.Proxies {
		n, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("proxies: %q is no network; write for example 127.0.0.1/32", p)
		}
		out = append(out, n)
	}
	return out, nil
}

// Exceptions splits Allow into networks and host:port pairs.
func (c *Config) Exceptions() (nets []netip.Prefix, hosts []string, err error) {
	for _, a := range c.Allow {
		if p, err := netip.ParsePrefix(a); err == nil {
			nets = append(nets, p)
			continue
		}
		if _, _, err := net.SplitHostPort(a); err != nil {
			return nil, nil, fmt.Errorf("allow: %q is neither a network (10.0.0.0/8) nor host:port", a)
		}
		hosts = append(hosts, a)
	}
	return nets, hosts, nil
}

// Print returns the configuration as annotated TOML.
func (c Config) Print() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# nsecBunker's configuration: save as config.toml in the data folder.\n# Flags of `nsecbunker start` come before it.\n\n")
	if err := toml.NewEncoder(&b).Encode(c); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
