package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
)

// recorder is a bunker that notes what it is asked.
type recorder struct {
	calls   map[string]map[string]bool // command: parameters
	answers map[string]string
}

func (r *recorder) Call(_ context.Context, name string, params json.RawMessage, _ []byte, result any) error {
	var p map[string]json.RawMessage
	if err := json.Unmarshal(params, &p); err != nil {
		return err
	}
	if r.calls[name] == nil {
		r.calls[name] = map[string]bool{}
	}
	for k, v := range p {
		r.calls[name][k] = true
		var list []map[string]json.RawMessage
		if json.Unmarshal(v, &list) == nil {
			for _, item := range list {
				for inner := range item {
					r.calls[name][k+"."+inner] = true
				}
			}
		}
	}
	answer := r.answers[name]
	if answer == "" {
		answer = "{}"
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal([]byte(answer), result)
}

func (r *recorder) Close() error { return nil }

// newApp is a run of the command line without a bunker.
func newApp(t *testing.T, c Caller, stdin string) (a *app, out, talk *bytes.Buffer) {
	t.Helper()
	out, talk = &bytes.Buffer{}, &bytes.Buffer{}
	home := t.TempDir()
	a = &app{
		Streams: Streams{In: strings.NewReader(stdin), Out: out, Err: talk}, version: "test",
		getenv:  func(name string) string { return map[string]string{"HOME": home}[name] },
		now:     func() time.Time { return time.UnixMilli(1_800_000_000_000) },
		dial:    func(context.Context, *app) (Caller, error) { return c, nil },
		reaches: func(context.Context, string) error { return nil },
	}
	return a, out, talk
}

// lines are command lines that between them send every parameter.
func lines() []string {
	const npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
	return []string{
		"status", "setup --relay wss://x.com --admin " + npub, "setup --setup-code c", "unseal", "unseal --slot s", "seal", "seal slot list",
		"seal slot add passphrase", "seal slot add file /key --name n", "seal slot add credential c", "seal slot add command c", "seal slot add provider",
		"seal slot remove s --yes", "stop", "stop end", "doctor",
		"key add k --deny --no-export --passphrase", "key add k --import --deny --no-export --passphrase --account 3 --no-baseline --baseline-relay wss://x.com", "key list", "key show k",
		"key rename k l", "key lock k", "key unlock k", "key export k", "key delete k --yes", "key restore k",
		"key set k --npub-login on --default deny --no-export --yes", "key passphrase k", "key passphrase k --remove",
		"key versions k --kind 3", "key version show k abcd", "key version restore k abcd --relay wss://x.com", "key guard k off",
		"key baseline k --relay wss://x.com", "key profile k", "key pictures", "key pictures on", "key relays k", "key relays k --add wss://x.com --relay wss://y.com --yes",
		"key profile k --name a --display-name a --about a --picture a --banner a --website a --nip05 a --lud16 a --relay wss://x.com --no-fetch --yes",
		"token create k --client c --perms all --person p --uses 2 --expires 1h --grant-for 1d", "token list", "token revoke t",
		"connect nostrconnect://x --key k --perms all --name n --person p", "connections", "connections list --key k --state active",
		"connection show c", "connection rename c n --person p", "connection suspend c", "connection resume c", "connections resume --all --yes", "connection revoke c --yes",
		"policy create p --rules testdata/rules.json --description d --zone Europe/Paris", "policy create p --template basic-social", "policy list --deleted", "policy show p --version 2", "policy versions p",
		"policy edit p --name q --description d --zone UTC --rules testdata/rules.json --if-version 3 --break-glass", "policy delete p --force --yes --break-glass --if-version 3",
		"policy explain c --kind 1 --content x --tag p=x --at 2026-11-29T08:00:00Z --relay embedded", "policy explain c --event testdata/rules.json", "policy explain --record 7",
		"policy templates", "policy simulate c --rules testdata/rules.json --zone Europe/Paris --days 7 --key k --connection x",
		"policy explain c --method nip44_decrypt --peer " + npub + " --result dm",
		"token create k --client c --policy p", "connect nostrconnect://x --key k --policy p", "connection grant c --policy p", "approve q --policy p",
		"connection show c", "connection suspend c --for 1h", "connection regrant c --perms all --for 1h --refusals", "connection regrant c --token t", "connection regrant c --policy p",
		"connection relays c wss://x.com,wss://y.com", "connection person c p", "token show t", "key pause k --for 1h", "key resume k",
		"connection grant c all --deny --for 1h --uses 3", "connection ungrant c g", "connection review --yes",
		"admin list", "admin add " + npub + " --role owner --name n --keys a,b", "admin remove " + npub + " --yes",
		"admin add " + npub + " --role owner --break-glass", "admin remove " + npub + " --yes --break-glass", "admin invite --role viewer --keys a --name n --npub " + npub + " --expires 1h --break-glass",
		"admin invites", "admin uninvite i", "admin self", "admin legacy " + npub + " --for 30d --break-glass", "admin legacy " + npub + " --off", "admin script " + npub + " --break-glass", "admin script " + npub + " --off", "quorum", "quorum set --export 2 --delete 2 --policy 2 --admins 2 --break-glass", "quorum list",
		"quorum approve m", "quorum withdraw m", "key delete k --yes --break-glass", "key export k --break-glass", "leave --break-glass",
		"approvals --state any", "approvals --answered", "approvals show q", "approve q --all --for 1h --name n --perms all", "deny q --never --for 1h",
		"approve q --kind --until 2999-01-01 --times 3", "approve q --all-of-them --kind --until 2999-01-01 --times 3 --name n --perms all", "deny q --all-of-them --never --for 1h",
		"approve q --all-of-them --all --for 1h", "approve q --all-of-them --policy p", "approvals settings", "approvals settings --reply 45s --question 3d --key k", "approvals settings --reset",
		"login expect", "login expect k", "login close",
		"relay list", "relay add wss://x.com", "relay remove wss://x.com", "clock accept --yes",
		"audit list --since 1h --until 1h --person p --key k --connection c --client " + npub + " --action a --effect allow",
		"audit forget p --yes", "audit list --principal local", "audit verify", "audit checkpoint", "audit export", "audit export --format csv",
		"notify add o webhook https://x.com/h --hears questions,alarms --details --after 5m --quiet 22:00-07:00 --zone Europe/Berlin --quiet-alarms --secret",
		"notify add n nostr " + npub + " --relay wss://x.com --legacy --answers", "notify add b push -",
		"notify add m mail a@x.com --server x.com:587 --tls tls --from b@x.com --user u", "notify list", "notify test o", "notify remove o", "notify key",
		"notify set o --hears answers --details=false --after 0 --quiet 22:00-07:00 --zone UTC --quiet-alarms --answers --secret",
		"device list", "device confirm 123456", "device refuse 123456", "device revoke d", "device pair --role approver --label phone --expires 30d --npub " + npub + " --yes",
		"session list", "session end s", "instance list", "instance drain --undo", "seat list",
		"tenant add --label l --admin " + npub + " --order o --people 3 --keys 2 --rate 9", "tenant quota t --people 3 --keys 2 --rate 9", "tenant quota t --as-bought", "tenant list", "tenant show t", "tenant suspend t --why w --read-only", "tenant resume t", "tenant code t", "tenant end t --yes",
		"order list --state made --cases", "order show o", "order refund o p --note n", "order retry o", "order plans", "plan show", "plan renew --people 3 --rest", "plan renew",
		"tenant backup t f", "tenant backup t f --recipient age1x", "tenant restore f --yes --label l --people 3 --keys 2 --rate 9", "tenant restore f --yes --identity testdata/rules.json",
		"backup create f", "backup create f --recipient age1x", "backup export f --break-glass", "leave", "passphrase --passphrase-file -", "passphrase check",
	}
}

// TestAnswersAreReadAsTheTableGivesThem: every field that is read of an answer is
// one that the admin table gives.
func TestAnswersAreReadAsTheTableGivesThem(t *testing.T) {
	t.Parallel()
	table := adminTable(t)
	for command, view := range map[string]any{
		"status": statusView{}, "seat.list": seatsView{}, "setup": setupAnswer{}, "unseal": unsealAnswer{}, "key.show": keyAnswer{}, "key.add": keyAnswer{},
		"key.list": struct {
			Keys []keyView `json:"keys"`
		}{},
		"token.create": tokenCreated{},
		"token.list": struct {
			Tokens []tokenView `json:"tokens"`
		}{},
		"connection.list": struct {
			Connections []connectionView `json:"connections"`
		}{},
		"connection.show": struct {
			Grants []grantView `json:"grants"`
		}{},
		"approval.list": struct {
			Approvals []approvalView `json:"approvals"`
		}{},
		"approval.show": struct {
			Approval approvalView `json:"approval"`
		}{},
		"approval.answered": struct {
			Approvals []approvalView `json:"approvals"`
		}{},
		"approval.settings": approvalSettings{},
		"approval.set":      approvalSettings{},
		"admin.list": struct {
			Admins []adminView `json:"admins"`
		}{},
		"relay.list": struct {
			Relays []relayView `json:"relays"`
		}{},
		"slot.list": struct {
			Slots []slotView `json:"slots"`
		}{},
		"policy.show": policyAnswer{}, "policy.create": policyAnswer{}, "policy.edit": policyAnswer{}, "policy.explain": explainView{}, "policy.simulate": simulateView{},
		"policy.list": struct {
			Policies []policyView `json:"policies"`
		}{},
		"policy.versions": struct {
			Versions []policyView `json:"versions"`
		}{},
		"notify.list": channelsAnswer{}, "notify.add": channelAnswer{}, "notify.set": channelAnswer{},
		"leave": struct {
			Keys []leavingKey `json:"keys"`
		}{},
		"key.versions": struct {
			Versions []versionView `json:"versions"`
		}{},
		"key.version.restore": struct {
			Changes *changesView `json:"changes"`
			Relays  []relaySaid  `json:"relays"`
		}{},
		"key.baseline": struct {
			Baseline baselineView `json:"baseline"`
		}{},
		"audit.verify": reportView{},
		"backup.create": struct {
			File backupFile `json:"file"`
		}{},
	} {
		for _, f := range fieldsOf(reflect.TypeOf(view), "") {
			if !table[command].results[f] {
				t.Errorf("%s does not answer with %s", command, f)
			}
		}
	}
}

// fieldsOf are the JSON names in a type, those of inner objects after theirs.
func fieldsOf(t reflect.Type, at string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[stamp]() {
		return nil
	}
	var out []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, skip := jsonName(f)
		if !skip {
			out = append(append(out, at+name), fieldsOf(f.Type, at+name+".")...)
		}
	}
	return out
}

// tableRow is a command of the admin table, as its golden file shows it.
type tableRow struct {
	socket bool
	params map[string]bool // true: required

	results map[string]bool
}

func adminTable(t *testing.T) map[string]tableRow {
	t.Helper()
	b, err := os.ReadFile("../admin/testdata/commands.golden")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]tableRow{}
	name := ""
	for _, line := range strings.Split(string(b), "\n") {
		switch f := strings.Fields(line); {
		case len(f) == 0:
		case !strings.HasPrefix(line, " "):
			name = f[0]
			table[name] = tableRow{strings.Contains(line, "socket"), map[string]bool{}, map[string]bool{}}
		case f[0] == ">":
			table[name].results[strings.TrimSuffix(strings.TrimSuffix(f[1], ":"), "?")] = true
		case f[0] == "<":
			p := strings.TrimSuffix(f[1], ":")
			table[name].params[strings.TrimSuffix(p, "?")] = !strings.HasSuffix(p, "?")
		}
	}
	return table
}

// TestCommandsSendWhatTheTableTakes: every command line sends parameters that the
// admin table has, and every command of the socket door can be reached.
func TestCommandsSendWhatTheTableTakes(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{
		"status":            `{"state":"not set up"}`,
		"plan.renew":        `{"order":{"state":"new"}}`,
		"approval.list":     `{"approvals":[{"id":"q","digest":"00","batch":"q","state":"pending"}]}`,
		"audit.checkpoint":  `{"checkpoint":"{}"}`,
		"device.wait":       `{"device":{"code":"123456"}}`,
		"key.profile.check": `{"base":"b","finding":"something would be lost"}`,
		"key.relays.check":  `{"base":"b","finding":"something would be lost"}`,
	}}
	for _, l := range lines() {
		args := strings.Fields(l)
		if i := slices.Index(args, "--passphrase-file"); i >= 0 {
			file := filepath.Join(t.TempDir(), "p")
			if err := os.WriteFile(file, []byte("a passphrase of a test"), 0o600); err != nil {
				t.Fatal(err)
			}
			args[i+1] = file
		}
		stdin := strings.Repeat("a passphrase of a test\n", 3)
		if slices.Contains(args, "--import") {
			stdin = "leader monkey parrot ring guide accident before fence cannon height naive bean\n" + stdin
		}
		if slices.Contains(args, "push") {
			stdin = `{"endpoint":"https://x.com/p","keys":{"p256dh":"a","auth":"b"}}`
		}
		a, _, talk := newApp(t, r, stdin)
		if code := a.run(t.Context(), args); code == exitUsage || code == exitNotRunning {
			t.Errorf("nsecbunker %s: exit code %d\n%s", l, code, talk)
		}
	}
	table := adminTable(t)
	for name, row := range table {
		if row.socket && r.calls[name] == nil {
			t.Errorf("no command line reaches %s", name)
		}
	}
	for name, params := range r.calls {
		row, ok := table[name]
		if !ok {
			t.Errorf("%s is not in the admin table", name)
			continue
		}
		for p := range params {
			if _, ok := row.params[p]; !ok {
				t.Errorf("%s has no parameter %s", name, p)
			}
		}
		for p, required := range row.params {
			if !params[p] && (required && strings.Count(p, ".") < 2 || !forOthers(name, p)) {
				t.Errorf("no command line sends %s of %s", p, name)
			}
		}
	}
}

// forOthers are parameters that this command line has no use for: pages are as
// large as they may be, and follow each other by themselves.
func forOthers(command, param string) bool {
	switch command + " " + param {
	case "setup code", // sitting at the machine is enough
		"setup default", "setup admins.role", "setup admins.name",
		"key.import password", // sent for an ncryptsec: testdata/script/keys.txtar
		"key.unlock passphrase", "key.export passphrase", "key.no_export passphrase",
		"key.passphrase.set passphrase", "key.passphrase.remove passphrase", // asked for when wanted: the same script
		"token.list key", "token.list open", "audit.verify held", "unseal slot", "passphrase.change slot":
		return true
	}
	// Rules are sent as their file has them; how they look inside is their own tests'.
	return param == "after" || param == "limit" || strings.HasPrefix(param, "rules.")
}

// TestHelpIsAsItWas shows each change of the command line in review.
func TestHelpIsAsItWas(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	var walk func(path []string, c *cobra.Command)
	walk = func(path []string, c *cobra.Command) {
		if c.Hidden {
			return
		}
		a, out, _ := newApp(t, nil, "")
		if code := a.run(t.Context(), append(path, "--help")); code != exitOK {
			t.Errorf("%v --help: exit code %d", path, code)
		}
		for line := range strings.Lines(out.String()) {
			if n := describe.Columns(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%v --help has a line of %d columns: %s", path, n, line)
			}
		}
		b.WriteString("\n$ nsecbunker " + strings.Join(append(path, "--help"), " ") + "\n" + out.String())
		for _, sub := range c.Commands() {
			walk(append(slices.Clone(path), sub.Name()), sub)
		}
	}
	a, _, _ := newApp(t, nil, "")
	walk(nil, a.root())
	golden(t, "testdata/help.golden", bytes.TrimLeft(b.Bytes(), "\n"))
}

// TestEveryCommandThatTheProgramNamesExists reads the hints and sentences out of
// the code: what people are told to type must be there.
func TestEveryCommandThatTheProgramNamesExists(t *testing.T) {
	t.Parallel()
	a, _, _ := newApp(t, nil, "")
	root := a.root()
	root.InitDefaultHelpCmd()
	named := regexp.MustCompile("(?:^|[`:(;,] ?|with |then |see |try |run )nsecbunker ((?:[a-z-]+ ?)+)")
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			for _, m := range named.FindAllStringSubmatch(text, -1) {
				words := strings.Fields(m[1])
				if words[0] == KDFCommand || strings.HasPrefix(words[0], "-") {
					continue
				}
				c, rest, err := root.Find(words)
				seen++
				if err != nil || c == root || c.HasSubCommands() && len(rest) > 0 && c.Name() == words[len(words)-len(rest)-1] && !prose(rest[0]) {
					t.Errorf("%s tells people to type: nsecbunker %s", path, m[1])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("only %d commands were found: the reader is broken", seen)
	}
}

// prose are words that follow a command in a sentence.
func prose(word string) bool {
	return strings.HasPrefix(word, "-") || slices.Contains([]string{"and", "in", "makes", "prints", "over", "of", "wants", "to", "or", "against", "again", "later", "shows"}, word)
}

// TestUntrustedTextCannotSteerTheTerminal: names and contents of others.
func TestUntrustedTextCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2Jb\u202ec\u200bd\r\n  asked     approved"
	one := func(id string) any {
		return map[string]any{
			"id": id, "sentence": evil, "state": "pending", "method": evil, "permission": evil, "why": evil, "reach": evil, "app": evil, "key_name": evil, "batch": "q",
			"asker": map[string]any{"npub": evil, "claims": evil + "x", "url": evil, "alike": evil},
			"card": map[string]any{
				"does": evil, "kind": evil, "text": evil + strings.Repeat(" x", 500), "text_is": evil, "warnings": []string{evil},
				"facts":   []any{map[string]any{"name": evil, "value": evil}},
				"people":  []any{map[string]any{"npub": evil, "name": evil, "is": evil, "as": evil}, map[string]any{"npub": evil}},
				"changes": map[string]any{"words": evil, "removed": 2, "added": 2, "removed_list": []string{evil}, "added_list": []string{evil}},
			},
		}
	}
	q := map[string]any{"approvals": []any{one("q")}}
	burst, err := json.Marshal(map[string]any{"approvals": []any{one("q"), one("r")}})
	if err != nil {
		t.Fatal(err)
	}
	past := one("q").(map[string]any)
	past["state"], past["answerer"], past["answered_by"], past["grant"] = "denied", evil, evil, map[string]any{"perms": evil, "effect": evil}
	answered, err := json.Marshal(map[string]any{"approvals": []any{past}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	c := map[string]any{"connections": []any{map[string]any{"id": "c", "name": evil, "person": evil, "key": evil, "state": "active"}}}
	cb, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{"approval.list": string(b), "connection.list": string(cb), "approval.answered": string(answered)}
	for _, line := range []string{"approvals", "approvals --full", "connections", "approve q", "approvals --answered", "burst approvals", "burst approve q --all-of-them"} {
		r := &recorder{calls: map[string]map[string]bool{}, answers: maps.Clone(answers)}
		line, many := strings.CutPrefix(line, "burst ")
		if many {
			r.answers["approval.list"] = string(burst)
		}
		a, out, talk := newApp(t, r, "")
		a.run(t.Context(), strings.Fields(line))
		text := out.String() + talk.String()
		if strings.ContainsAny(text, "\x1b\u202e\u200b\r") {
			t.Errorf("%s prints %q", line, text)
		}
		for _, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(l, "  asked     approved") || strings.HasPrefix(l, "x ") {
				t.Errorf("%s: what an app sent begins a line: %q", line, l)
			}
		}
	}
}

// TestRefusalsOfTheBunkerBecomeErrorsWithHints also in JSON.
func TestRefusalsOfTheBunkerBecomeErrorsWithHints(t *testing.T) {
	t.Parallel()
	refuse := refuser{bunker.Errorf(bunker.CodeConflict, "there is a key named x already").In("name").WithHint("nsecbunker key list")}
	a, out, talk := newApp(t, refuse, "")
	if code := a.run(t.Context(), []string{"key", "add", "x"}); code != exitFailed || out.Len() > 0 ||
		talk.String() != "error: there is a key named x already\nhint: nsecbunker key list\n" {
		t.Errorf("exit code %d, %q, %q", code, out, talk)
	}
	a, out, talk = newApp(t, refuse, "")
	if code := a.run(t.Context(), []string{"key", "add", "x", "--json"}); code != exitFailed || out.Len() > 0 ||
		talk.String() != `{"error":{"code":"conflict","field":"name","hint":"nsecbunker key list","words":"there is a key named x already"}}`+"\n" {
		t.Errorf("exit code %d, %q, %q", code, out, talk)
	}
}

type refuser struct{ err error }

func (r refuser) Call(context.Context, string, json.RawMessage, []byte, any) error { return r.err }
func (r refuser) Close() error                                                     { return nil }

// TestTheProofIsAskedForOnce and sent with the second try.
func TestTheProofIsAskedForOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(file, []byte("a passphrase of a test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prover{}
	a, _, talk := newApp(t, p, "")
	if code := a.run(t.Context(), []string{"stop", "end", "--passphrase-file", file}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, talk)
	}
	if !slices.Equal(p.proofs, []string{"", "a passphrase of a test"}) {
		t.Errorf("proofs: %q", p.proofs)
	}
}

type prover struct{ proofs []string }

func (p *prover) Call(_ context.Context, _ string, _ json.RawMessage, proof []byte, result any) error {
	p.proofs = append(p.proofs, string(proof))
	if len(proof) == 0 {
		return bunker.Errorf(bunker.CodeNeedsProof, "it needs the passphrase")
	}
	return json.Unmarshal([]byte("{}"), result)
}
func (p *prover) Close() error { return nil }

// TestCompletionOffersNames of keys, apps and questions, and nothing when there is
// no bunker.
func TestCompletionOffersNames(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{
		"key.list":        `{"keys":[{"name":"herald","npub":"npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"},{"name":"other"}]}`,
		"connection.list": `{"connections":[{"id":"cabc","name":"coracle","state":"active"}]}`,
		"approval.list":   `{"approvals":[{"id":"qabc","sentence":"x wants y"}]}`,
		"token.list":      `{"tokens":[{"id":"tabc","client":"x"}]}`,
		"slot.list":       `{"slots":[{"name":"file","kind":"file"}]}`,
		"admin.list":      `{"admins":[{"npub":"npub1x","role":"owner"}]}`,
		"relay.list":      `{"relays":[{"url":"wss://x.com","state":"used"}]}`,
	}}
	for line, want := range map[string]string{
		"key show h":             "herald\tnpub10elfc…zvjptg",
		"token create h":         "herald",
		"connect x --key h":      "herald",
		"connection revoke ":     "cabc\tcoracle, active",
		"approve ":               "qabc\tx wants y",
		"deny ":                  "qabc",
		"token revoke ":          "tabc\tx",
		"seal slot remove ":      "file",
		"admin remove ":          "npub1x",
		"admin add x --role ":    "approver",
		"relay remove ":          "wss://x.com",
		"completion ":            "zsh",
		"seal slot add ":         "credential",
		"audit list --key oth":   "other",
		"connections list --key": "--key",
	} {
		a, out, _ := newApp(t, r, "")
		args := append([]string{cobra.ShellCompRequestCmd}, strings.Split(line, " ")...)
		if a.run(t.Context(), args) != exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("%q offers %q, want %q", line, out, want)
		}
	}
	a, out, _ := newApp(t, refuser{errNotRunning("x", "", nil)}, "")
	if a.run(t.Context(), []string{cobra.ShellCompRequestCmd, "key", "show", ""}) != exitOK || strings.HasPrefix(out.String(), "h") {
		t.Errorf("without a bunker: %q", out)
	}
}

// filtered is a bunker whose first page holds nothing that the filter lets through.
type filtered struct{ asked int }

func (f *filtered) Call(_ context.Context, _ string, _ json.RawMessage, _ []byte, result any) error {
	f.asked++
	answer := `{"connections":[],"next":"c1"}`
	if f.asked > 1 {
		answer = `{"connections":[{"id":"c2","name":"late"}]}`
	}
	return json.Unmarshal([]byte(answer), result)
}
func (f *filtered) Close() error { return nil }

func TestAnEmptyPageIsNotTheEndOfAList(t *testing.T) {
	t.Parallel()
	a, out, _ := newApp(t, &filtered{}, "")
	if code := a.run(t.Context(), []string{"connections", "list", "--state", "suspended", "--json"}); code != exitOK || !strings.Contains(out.String(), "late") {
		t.Errorf("exit code %d, %q", code, out)
	}
}
