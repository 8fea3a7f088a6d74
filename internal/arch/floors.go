package arch

// Floor says where a package stands. Imports go down only.
type Floor int

// The floors.
const (
	// Nostr (floor 0): the protocol and the memory for secrets. Imports the
	// standard library, the modules that its row names, and internal/secret.
	Nostr Floor = iota
	// Words (floor 1): the vocabulary. Imports floor 0. No I/O.
	Words
	// Deciding (floor 2): pure. Imports floors 0 and 1 and what stands above
	// it in the table. No SQL, net, http, os, log, no go statement: time,
	// storage and relays come in as data and small interfaces.
	Deciding
	// Edges (floor 3): each speaks with one part of the world. Imports floors
	// 0 to 2 and dial, never another edge. No package-level mutable state.
	Edges
	// Wiring (floor 4): puts everything together. Imports all. Decides
	// nothing about authority.
	Wiring
	// Beside the house: tests and tools. Imports all; only tests import it.
	Beside
)

// Row is one package of the module.
type Row struct {
	Floor Floor
	Path  string // below the module's path
	// Modules are the modules outside the standard library that the package's
	// own code (not its tests) may import. Floors 0 to 2 have exactly these;
	// above, only what is listed in onlyHere is fenced.
	Modules []string
}

// Modules that more than one row names.
const (
	xcrypto = "golang.org/x/crypto" // chacha20, scrypt, pbkdf2: what the standard library lacks
	xtext   = "golang.org/x/text"   // Unicode normalisation of passphrases and untrusted names
	xsys    = "golang.org/x/sys"    // mlock, madvise, peer credentials
	toml    = "github.com/pelletier/go-toml"
)

// Table returns every package of the module. Inside floor 2 the order counts:
// a package may import the ones above it. A package below another one's path
// (internal/store/x) belongs to it and may be imported by it alone, on floor 3.
func Table() []Row {
	return []Row{
		{Nostr, "nostr", nil},
		{Nostr, "nostr/internal/secp", nil},
		{Nostr, "nostr/internal/secp/voi", []string{"gitlab.com/yawning/secp256k1-voi"}}, // pure Go, constant-time
		{Nostr, "nostr/internal/secp/libsecp", nil},                                      // cgo, tag libsecp256k1
		{Nostr, "nostr/nip04", nil},
		{Nostr, "nostr/nip05", nil},
		{Nostr, "nostr/nip06", []string{xcrypto, xtext}},
		{Nostr, "nostr/nip11", nil},
		{Nostr, "nostr/nip17", nil},
		{Nostr, "nostr/nip19", nil},
		{Nostr, "nostr/nip19/bech32", nil},
		{Nostr, "nostr/nip24", nil}, // what is in a profile (kind 0)
		{Nostr, "nostr/nip42", nil},
		{Nostr, "nostr/nip44", []string{xcrypto}},
		{Nostr, "nostr/nip46", nil},
		{Nostr, "nostr/nip46/internal/jsonscan", nil},
		{Nostr, "nostr/nip46/ws", []string{"github.com/coder/websocket"}}, // the client side's relays; it dials with what it is given
		{Nostr, "nostr/nip47", nil},
		{Nostr, "nostr/nip49", []string{xcrypto, xtext}},
		{Nostr, "nostr/nip59", nil},
		{Nostr, "nostr/nip65", nil},
		{Nostr, "nostr/nip98", nil},
		{Nostr, "internal/secret", []string{xsys}},

		{Words, "internal/bunker", []string{xtext}},

		{Deciding, "internal/policy", nil},
		{Deciding, "internal/policy/text", []string{toml}}, // policies as people write them; the library parses bytes, it opens no file
		{Deciding, "internal/audit", nil},
		{Deciding, "internal/adminwire", nil}, // what admins and bunker say to each other; the client reads it, too
		{Deciding, "internal/vault", []string{xcrypto, xtext}},
		{Deciding, "internal/guard", nil},
		{Deciding, "internal/approval", nil},
		{Deciding, "internal/describe", []string{xtext}}, // an operation as a person reads it
		{Deciding, "internal/host", nil},                 // seats are looked at by the signer
		{Deciding, "internal/signer", nil},
		{Deciding, "internal/admin", nil},
		{Deciding, "internal/session", nil},
		{Deciding, "internal/legacy", nil}, // the first nsecBunker's admin protocol

		{Edges, dialPath, nil}, // the one outbound dialer; the other edges may import it
		{Edges, "internal/store", nil},
		{Edges, "internal/relay", nil},
		{Edges, "internal/signerrelay", nil},
		{Edges, "internal/inbox", nil},
		{Edges, "internal/web", nil},
		{Edges, "internal/socket", nil},
		{Edges, "internal/remote", nil}, // the client of the relay door
		{Edges, "internal/seal", nil},
		{Edges, "internal/notify", nil},
		{Edges, "internal/picture", nil}, // pictures of profiles, fetched and made small
		{Edges, "internal/wallet", nil},
		{Edges, "internal/wallet/bolt11", nil}, // invoices, read
		{Edges, "internal/lease", nil},
		{Edges, "internal/orders", nil}, // what is sold: asks the wallet, makes what was paid

		{Wiring, "internal/config", nil},
		{Wiring, "internal/daemon", nil},
		{Wiring, "internal/cli", nil},
		{Wiring, "cmd/nsecbunker", nil},

		{Beside, "nostr/nip46/internal/nip46test", nil},
		{Beside, "internal/secret/secrettest", nil},
		{Beside, "internal/arch", nil},
		{Beside, "internal/bunkertest", nil},
		{Beside, "internal/docstest", nil},
		{Beside, "internal/pgtest", nil},
		{Beside, "internal/freeport", nil},
		{Beside, "internal/store/storetest", nil},
		{Beside, "internal/wallet/wallettest", nil},
		{Beside, "internal/oracle", nil},
		{Beside, "deploy", nil},
		{Beside, "scripts/sumtests", nil},
		{Beside, "e2e", nil},
		{Beside, "e2e/later", nil},
		{Beside, "e2e/wallet", nil},
		{Beside, "bench", nil},
		{Beside, "examples", nil},
	}
}

// dialPath is the one edge that other edges may import.
const dialPath = "internal/dial"

// banned lists the imports that a floor may not have in its own code. A name
// covers what is below it ("net" covers "net/http"), unless allowed says else.
func banned(f Floor) []string {
	switch f {
	case Nostr:
		return []string{"database/sql", "math/rand"} // else any of the standard library; log/slog only to print "[secret]"
	case Words, Deciding:
		return []string{"database/sql", "net", "os", "log", "syscall", "io/ioutil", "plugin", "math/rand"}
	case Edges, Wiring:
		return []string{"math/rand"} // crypto/rand only, jitter too: nobody has to ask which one this is
	default:
		return nil
	}
}

// allowed names what a ban's prefix covers by accident: parsers without I/O.
func allowed(path string) bool {
	return path == "net/url" || path == "net/netip"
}

// onlyInTests lists modules that the module's own code never imports: oracles
// for tests. Those that speak Nostr live in conformance/go.mod, not here at all.
func onlyInTests() []string {
	return []string{
		"github.com/btcsuite/btcd", "github.com/decred/dcrd", // not constant-time with secret scalars
		"pgregory.net/rapid", "github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "go.uber.org/goleak",
	}
}

// nowhere lists modules that have no place in this module, tests included.
func nowhere() []string {
	return []string{"fiatjaf.com/nostr", "github.com/nbd-wtf/go-nostr"}
}

// onlyHere fences modules on floors 3 and 4: one technology, one place. (TOML has
// two: the configuration here, and policies on floor 2, in their row.)
func onlyHere() map[string][]string {
	return map[string][]string{
		"modernc.org/sqlite":           {"internal/store"},
		"github.com/pressly/goose/v3":  {"internal/store"},
		"github.com/jackc/pgx/v5":      {"internal/store", "internal/lease"},
		"github.com/spf13/cobra":       {"internal/cli", "cmd/nsecbunker"},
		"github.com/lmittmann/tint":    {"internal/cli", "internal/daemon"},
		"rsc.io/qr":                    {"internal/cli"},
		"github.com/pelletier/go-toml": {"internal/config"},

		"github.com/prometheus/client_golang":   {"internal/daemon"},
		"golang.org/x/image":                    {"internal/picture"},
		"github.com/wneessen/go-mail":           {"internal/notify"},
		"github.com/SherClockHolmes/webpush-go": {"internal/notify"},
	}
}

// Fence is a name that few packages may use.
type Fence struct {
	Package, Name string   // where it is declared: a function or method
	Callers       []string // besides the package itself
	Reason        string
}

// Fences lists names whose callers are part of the architecture. They are
// matched by name on floors 2 and 3, where a small interface may stand before
// the package, and on floor 4 in files that import the package.
func Fences() []Fence {
	return []Fence{
		{"internal/policy", "Decide", []string{"internal/signer"},
			"deciding lives in one place, and floor 4 holds no decision about authority"},
		{"internal/vault", "SignEvent", []string{"internal/signer"},
			"the path of a request is the only way to a user key's signature; a replay's only input is the event id"},
	}
}

// stateExceptions lists package-level variables ("path.name") that the rule
// against mutable state would refuse, each with the reason why it may stay.
func stateExceptions() map[string]string {
	const number = "a number of the curve, which its type can only spell as a pointer; read, never written"
	return map[string]string{
		"nostr/internal/secp/voi.minusLambda": number,
		"nostr/internal/secp/voi.minusB1":     number,
		"nostr/internal/secp/voi.minusB2":     number,
		"nostr/internal/secp/voi.g1":          number,
		"nostr/internal/secp/voi.g2":          number,
		"nostr/internal/secp/voi.beta":        number,
		"nostr/internal/secp/voi.fieldSize":   number,
		"internal/secret.scratches":           "room that is used again; what was in it is wiped before anybody else gets it",
	}
}
