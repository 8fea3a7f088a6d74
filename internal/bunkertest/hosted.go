package bunkertest

import (
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/nostr"
)

// Hosted sets a bunker up as the house of a hosted instance.
func Hosted(c *config.Config) { c.Hosted = true }

// Guest is a bunker that another one hosts, with its owner in a session.
type Guest struct {
	*Session
	ID    string
	Owner *Person
	// Where is the connection string, Code what it was set up with.
	Where, Code string
}

// Somebody is a person with a key and a device, who is nobody here.
func (b *Bunker) Somebody() *Person {
	b.t.Helper()
	return b.Person("")
}

// Host makes a bunker for somebody and has him set it up from afar.
func (b *Bunker) Host(label string) *Guest {
	b.t.Helper()
	owner := b.Somebody()
	made := b.Admin("tenant.add", Params{"label": label, "admins": []string{owner.Npub()}})
	g := &Guest{ID: made.Text("tenant.id"), Owner: owner, Where: made.Text("tenant.connection_string"), Code: made.Text("setup_code")}
	g.Session = owner.At(g.Where)
	g.Do("setup", Params{"passphrase": Passphrase, "code": g.Code})
	return g
}

// HostHere makes a bunker for somebody and sets it up in this process, where nobody comes
// from afar yet.
func (b *Bunker) HostHere(label string) *Guest {
	b.t.Helper()
	owner := b.Somebody()
	made := b.Admin("tenant.add", Params{"label": label, "admins": []string{owner.Npub()}})
	g := &Guest{ID: made.Text("tenant.id"), Owner: owner, Where: made.Text("tenant.connection_string"), Code: made.Text("setup_code")}
	b.As(g).Admin("setup", Params{"passphrase": Passphrase})
	return g
}

// As is one of the bunkers that this one hosts, as its own people see it on this
// instance.
func (b *Bunker) As(g *Guest) *Bunker {
	of := *b
	of.as = bunker.TenantID(g.ID)
	return &of
}

// At logs in to the bunker of a connection string.
func (p *Person) At(where string) *Session {
	p.b.t.Helper()
	s, err := p.TryDial(where, false)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return s
}

// Again logs the owner in anew.
func (g *Guest) Again() {
	g.Owner.b.t.Helper()
	g.Session = g.Owner.At(g.Where)
}

// AdminKey is the key that the guest's admins talk to.
func (g *Guest) AdminKey() nostr.PubKey {
	g.b.t.Helper()
	t, err := adminwire.ParseConnectionString(g.Where)
	if err != nil {
		g.b.t.Fatal(err)
	}
	return t.Bunker
}

// Link makes a bunker:// string for one of the guest's keys.
func (g *Guest) Link(key, perms string) string {
	g.b.t.Helper()
	return g.Do("token.create", Params{"key": key, "client": "app", "perms": perms}).Text("uri")
}
