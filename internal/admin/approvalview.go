package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

type approvalView struct {
	ID         string         `json:"id"`
	Batch      string         `json:"batch" doc:"the first question of the burst that this one belongs to: same app, method and kind"`
	Digest     string         `json:"digest" doc:"of the operation that is shown; send it back with the answer"`
	Sentence   string         `json:"sentence" doc:"who wants what, in words"`
	State      string         `json:"state"`
	Key        string         `json:"key" doc:"id"`
	KeyName    string         `json:"key_name"`
	Connection string         `json:"connection" doc:"id"`
	App        string         `json:"app" doc:"its name here"`
	Unverified bool           `json:"unverified,omitempty" doc:"the name is the app's own word"`
	Asker      *askerView     `json:"asker,omitempty" doc:"what is known of the app"`
	Method     string         `json:"method"`
	Kind       *int64         `json:"kind,omitempty"`
	Permission string         `json:"permission" doc:"what the answer \"kind\" would grant"`
	Reach      string         `json:"reach,omitempty" doc:"how far a lasting yes goes that is easily taken for narrower: on every website, …"`
	Why        string         `json:"why" doc:"why it is asked"`
	OnceOnly   bool           `json:"once_only" doc:"it can be approved one at a time only"`
	Requested  string         `json:"requested,omitempty" doc:"of a login: the permissions that the app asks for, as perms takes them"`
	Card       *describe.Card `json:"card,omitempty" doc:"the operation as a person reads it; absent when it cannot be opened"`
	ReplyBy    Time           `json:"reply_by" doc:"until then the app waits"`
	Until      Time           `json:"question_until"`
	AnsweredBy string         `json:"answered_by,omitempty" doc:"who answered: local, or an npub"`
	Answerer   string         `json:"answerer,omitempty" doc:"the admin's name"`
	AnsweredAt Time           `json:"answered_at,omitzero"`
	Grant      *grantView     `json:"grant,omitempty" doc:"what the answer gave or refused"`
	CreatedAt  Time           `json:"created_at"`
}

// askerView is what is known of the app that asks.
type askerView struct {
	Npub      string `json:"npub" doc:"the app's own key"`
	Claims    string `json:"claims,omitempty" doc:"what the app calls itself; nobody verified it"`
	URL       string `json:"url,omitempty" doc:"what it says its page is; nobody verified it"`
	FirstSeen Time   `json:"first_seen"`
	LastUsed  Time   `json:"last_used,omitzero"`
	Uses      int64  `json:"uses"`
	Alike     string `json:"alike,omitempty" doc:"of a login: which other app it could be taken for"`
}

func digestText(d [32]byte) string { return hex.EncodeToString(d[:]) }

func isNotFound(err error) bool { return bunker.AsError(err).Code == bunker.CodeNotFound }

// viewApprovals shows questions with the names around them.
func (t *Table) viewApprovals(ctx context.Context, c *Call, rows []bunker.Approval, full bool) ([]approvalView, error) {
	w := &whoIsWho{t: t, ctx: ctx, known: map[nostr.PubKey][2]string{}}
	out := make([]approvalView, 0, len(rows))
	for i := range rows {
		v, err := t.viewApproval(ctx, &rows[i], w, describe.Options{Known: w.name, Now: c.Now.UnixMilli(), Full: full})
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, w.err
}

func (t *Table) viewApproval(ctx context.Context, a *bunker.Approval, w *whoIsWho, o describe.Options) (approvalView, error) {
	v := approvalView{
		ID: string(a.ID), Batch: string(a.Batch), Digest: digestText(a.OpDigest), State: string(a.State), Key: string(a.Key),
		Connection: string(a.Connection), Method: a.Method, Permission: approval.Permission(a),
		OnceOnly: approval.OnceOnly(a), ReplyBy: Time(a.ReplyBy), Until: Time(a.QuestionUntil), AnsweredBy: a.AnsweredBy,
		AnsweredAt: Time(a.AnsweredAt), CreatedAt: Time(a.CreatedAt),
	}
	if a.Kind >= 0 {
		kind := a.Kind
		v.Kind = &kind
	}
	conn, err := t.Rows.Connection(ctx, t.Tenant, a.Connection)
	if err != nil && !isNotFound(err) {
		return v, err
	}
	k, err := t.Rows.Key(ctx, t.Tenant, string(a.Key))
	if err != nil && !isNotFound(err) {
		return v, err
	}
	if k != nil {
		v.KeyName, o.Key = k.Name, k.PubKey
	}
	sum := t.summary(a)
	if sum != nil {
		card := describe.Describe(sum, o)
		v.Card = &card
	}
	if conn != nil {
		v.App, v.Unverified = appName(conn)
		v.Asker = viewAsker(conn)
	}
	if sum != nil && conn != nil && a.Method == string(nip46.Connect) {
		list, _ := nip46.RequestedPermissions(sum.Perms)
		v.Requested = nip46.FormatPermissions(list)
		if v.Asker.Alike, err = w.alike(conn, sum.App); err != nil {
			return v, err
		}
	}
	if v.Why, err = w.whyAsked(a); err != nil {
		return v, err
	}
	v.Reach = describe.Reach(a.Method, a.Kind)
	v.Sentence = sentence(&v)
	return v, t.viewAnswer(ctx, a, w, &v)
}

// viewAnswer adds who answered, and what.
func (t *Table) viewAnswer(ctx context.Context, a *bunker.Approval, w *whoIsWho, v *approvalView) error {
	if a.State != bunker.ApprovalApproved && a.State != bunker.ApprovalDenied {
		return nil
	}
	if pub, err := nip19.ParsePublicKey(a.AnsweredBy); err == nil {
		v.Answerer, _ = w.name(pub)
	}
	g, err := t.Rows.GrantOf(ctx, t.Tenant, a.ID)
	if err != nil {
		if isNotFound(err) {
			return nil
		}
		return err
	}
	names, err := w.policyNames()
	if err != nil {
		return err
	}
	view := viewGrant(g, names, t.Now().UnixMilli())
	v.Grant = &view
	return nil
}

func viewAsker(c *bunker.Connection) *askerView {
	return &askerView{
		Npub: nip19.EncodeNpub(c.Client), Claims: bunker.Display(c.Metadata.Name, MaxName), URL: bunker.Display(c.Metadata.URL, MaxShown),
		FirstSeen: Time(c.CreatedAt), LastUsed: Time(c.LastUsed), Uses: c.Uses,
	}
}

// whyAsked says what made it a question.
func (w *whoIsWho) whyAsked(a *bunker.Approval) (string, error) {
	if a.Method == string(nip46.Connect) {
		return "nobody named this app before", nil
	}
	var why []string
	for one := range strings.SplitSeq(a.Answers, ",") {
		switch one {
		case policy.AnswersDefault:
			why = append(why, "no permission covers it")
		case policy.AnswersCare:
			why = append(why, "it needs special care, and no permission names it")
		case policy.AnswersGuard:
			why = append(why, "it takes the place of a version that was signed here before")
		case "":
		default:
			what, rule, _ := strings.Cut(one, " ")
			id, rest, _ := strings.Cut(rule, "/")
			names, err := w.policyNames()
			if err != nil {
				return "", err
			}
			if n := names[id]; n != "" {
				rule = n + "/" + rest
			}
			rule = bunker.Display(rule, MaxShown)
			if what == "spent" {
				why = append(why, "the budget of the rule "+rule+" is used up")
			} else {
				why = append(why, "the rule "+rule+" asks")
			}
		}
	}
	return strings.Join(why, "; "), nil
}

// policyNames are the names of policies by id, read once.
func (w *whoIsWho) policyNames() (names map[string]string, err error) {
	if w.policies == nil {
		w.policies, err = w.t.policyNames(w.ctx)
	}
	return w.policies, err
}

// appName is what an app is called: by an admin, or else by its own word.
func appName(c *bunker.Connection) (label string, unverified bool) {
	if n := bunker.Display(c.Name, MaxName); n != "" {
		return n, false
	}
	if n := bunker.Display(c.Metadata.Name, MaxName); n != "" {
		return n, true
	}
	return bunker.ShortNpub(c.Client), false
}

// sentence says who wants what.
func sentence(v *approvalView) string {
	app, does := v.App, withoutCard(v)
	if v.Unverified {
		app += " (name not verified)"
	}
	if v.Card != nil {
		does = v.Card.Does
	}
	return fmt.Sprintf("%s wants to %s as %s", app, does, v.KeyName)
}

// withoutCard is what is known of an operation that cannot be shown any more.
func withoutCard(v *approvalView) string {
	switch nip46.Method(v.Method) {
	case nip46.Connect:
		return "log in"
	case nip46.SignEvent:
		if v.Kind != nil && *v.Kind >= 0 && *v.Kind <= 65535 {
			return "sign an event: " + nostr.Kind(*v.Kind).Label()
		}
	case nip46.NIP04Encrypt, nip46.NIP44Encrypt:
		return "encrypt a text"
	case nip46.NIP04Decrypt, nip46.NIP44Decrypt:
		return "read an encrypted text"
	}
	return "do " + bunker.Display(v.Method, MaxName)
}

// summary opens what the question shows; nil when it cannot be opened: then the
// person is told that the content cannot be shown, and nothing else is.
func (t *Table) summary(a *bunker.Approval) *describe.Summary {
	b, err := t.Vault.OpenSummary(a)
	if err != nil {
		return nil
	}
	defer secret.Wipe(b)
	var s describe.Summary
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	return &s
}

// whoIsWho finds the names of pubkeys, each once in an answer.
type whoIsWho struct {
	t        *Table
	ctx      context.Context
	all      bool // keys and admins are in known
	known    map[nostr.PubKey][2]string
	apps     []bunker.Connection // for look-alikes; read once
	read     bool
	policies map[string]string // names by id; nil until they are read
	err      error             // the first one; the answer then fails
}

// maxCompared is how many connections a new app's name is compared with.
const maxCompared = 5000

// name implements describe.Options.Known.
func (w *whoIsWho) name(p nostr.PubKey) (name, is string) {
	if !w.all {
		w.all = true
		w.fill()
	}
	got, ok := w.known[p]
	if !ok {
		got = w.app(p)
		w.known[p] = got
	}
	return got[0], got[1]
}

func (w *whoIsWho) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// fill reads admins and keys: there are few of them.
func (w *whoIsWho) fill() {
	admins, err := w.t.Rows.Admins(w.ctx, w.t.Tenant)
	if err != nil {
		w.fail(err)
	}
	for i := range admins {
		name := bunker.Display(admins[i].Name, MaxName)
		if name == "" {
			name = "somebody"
		}
		w.known[admins[i].PubKey] = [2]string{name, "admin"}
	}
	for page := (Page{Limit: MaxPage}); ; {
		keys, err := w.t.Rows.Keys(w.ctx, w.t.Tenant, page)
		if err != nil {
			w.fail(err)
			return
		}
		for i := range keys {
			w.known[keys[i].PubKey] = [2]string{keys[i].Name, "key"}
		}
		if page.After = next(keys, page, func(k *bunker.UserKey) string { return string(k.ID) }); page.After == "" || len(w.known) > maxCompared {
			return
		}
	}
}

// app is the name of an app that is, or was, connected with this key.
func (w *whoIsWho) app(p nostr.PubKey) [2]string {
	conns, err := w.t.Rows.Apps(w.ctx, w.t.Tenant, p)
	if err != nil {
		w.fail(err)
		return [2]string{}
	}
	for i := range conns {
		if conns[i].State != bunker.ConnPending { // that one has shown nothing but its own word
			name, _ := appName(&conns[i])
			return [2]string{name, "app"}
		}
	}
	return [2]string{}
}

// alike says which connected app a new one could be taken for.
func (w *whoIsWho) alike(c *bunker.Connection, says *nip46.ClientMetadata) (string, error) {
	if says == nil {
		return "", nil
	}
	if !w.read {
		w.read = true
		for page := (Page{Limit: MaxPage}); ; {
			rows, err := w.t.Rows.Connections(w.ctx, w.t.Tenant, "", page)
			if err != nil {
				return "", err
			}
			w.apps = append(w.apps, rows...)
			if page.After = next(rows, page, func(c *bunker.Connection) string { return string(c.ID) }); page.After == "" || len(w.apps) >= maxCompared {
				break
			}
		}
	}
	var here []describe.App
	for i := range w.apps {
		o := &w.apps[i]
		if o.Client == c.Client || o.State != bunker.ConnActive && o.State != bunker.ConnSuspended {
			continue
		}
		here = append(here, describe.App{Name: bunker.Display(o.Name, MaxName), URL: o.Metadata.URL}, describe.App{Name: bunker.Display(o.Metadata.Name, MaxName)})
	}
	return describe.Alike(describe.App{Name: bunker.Display(strings.TrimSpace(says.Name), MaxName), URL: says.URL}, here), nil
}
