// Package admin is the table of commands: everything that an administrator can
// do, from whatever door. One file a noun. Who may do what is checked in one
// place, Dispatch, before a command sees anything.
package admin

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
)

// Command is one row of the table. The zero value can be called by nobody.
type Command struct {
	Name    string // "key.add"
	Summary string // one sentence, for help and reference
	// Role is the least role that may call it.
	Role bunker.Role
	// Doors are where it may come from.
	Doors []bunker.Door
	// Dangerous: the caller must prove himself anew (bunker.Principal.Fresh).
	Dangerous bool
	// WhileSealed: it works while the root key is absent.
	WhileSealed bool
	// Writes: it changes something, in one transaction that also holds its audit
	// record.
	Writes bool
	// Scope says whose data it works on; the zero value is the whole bunker's.
	Scope Scope
	// Anyone: besides admins, a person who is none here and has proven which npub is
	// his may call it (bunker.Principal with PubKey, without a role). Role is NoRole.
	Anyone bool
	// Quorum says which number of persons must want it.
	Quorum QuorumOf
	// House: it is the provider's, of a hosted instance; everywhere else there is no such
	// command. Machine: it works on the machine, and a bunker that is a guest there has
	// nothing to do with it.
	House, Machine bool

	params, result reflect.Type
	run            func(ctx context.Context, c *Call, params any) (any, error)
}

// Call is one command on its way: who called, and the transaction.
type Call struct {
	Principal bunker.Principal
	Command   *Command
	// Now is the ledger time of the call.
	Now       time.Time
	change    func(ctx context.Context, f func(all, tx Tx) error) error
	committed bool

	all    Tx            // the transaction without the caller's scope, for votes
	motion *motion       // of a command that may need several persons
	glass  bool          // the machine's administrator does it alone
	broke  string        // the glass was broken: what every owner is told
	waits  *bunker.Error // the yes alone was stored
}

// Commit runs f in the call's one transaction under the tenant's lock; its audit
// record, with the principal and the command's name filled in, is written with
// it. A call commits once at most, and a command that writes must. What f finds
// out for the record (whose row it is) it may still put into rec.
func (c *Call) Commit(ctx context.Context, rec *bunker.AuditRecord, f func(tx Tx) error) error {
	if c.committed || !c.Command.Writes {
		return fmt.Errorf("admin: %s commits twice, or is not marked as writing", c.Command.Name)
	}
	rec.Principal, rec.Door = c.Principal.Name, string(c.Principal.Door)
	rec.Action, rec.Step, rec.Effect = c.Command.Name, "admin", bunker.Allow.String()
	if c.Principal.Device != "" && rec.Rule == "" {
		rec.Rule = "device " + c.Principal.Device
	}
	err := c.change(ctx, func(all, tx Tx) error {
		c.all, c.waits, c.broke = all, nil, ""
		if enough, err := c.wants(c.Command.Quorum); err != nil || !enough {
			return err
		}
		if err := f(tx); err != nil || c.waits != nil {
			return err
		}
		return tx.Audit(*rec)
	})
	if err == nil && c.waits != nil {
		return c.waits
	}
	c.committed = err == nil
	return err
}

// Recorded marks the call as committed by a function of the store that writes
// its own record.
func (c *Call) Recorded(err error) error {
	c.committed = c.committed || err == nil
	return err
}

// Table is the commands with what they work on.
type Table struct {
	Deps
	commands map[string]*Command
	// memory is Deps.Memory. No KDF runs under it, but that of setting up, before which there
	// is nothing.
	memory *sync.Mutex
	// simulating has place for one simulation: each holds thousands of records.
	simulating chan struct{}
	// simulated is MaxSimulated; a test makes it smaller.
	simulated int
	// counted is MaxCounted; a test makes it smaller.
	counted int
	// whole is the table that this one is the part of, for a caller of some keys; nil
	// for the whole one.
	whole *Table
}

// New builds the table, or says which dependency is missing.
func New(d Deps) (*Table, error) {
	if err := d.complete(); err != nil {
		return nil, err
	}
	t := &Table{Deps: d, commands: map[string]*Command{}, memory: cmp.Or(d.Memory, &sync.Mutex{}), simulating: make(chan struct{}, 1), simulated: MaxSimulated, counted: MaxCounted}
	for _, register := range registers() {
		register(t)
	}
	t.openAfar()
	t.openLegacy()
	t.openHTTP()
	return t, nil
}

// registers are the nouns: each puts its rows into the table.
func registers() []func(*Table) {
	return []func(*Table){
		accountRelayCommands,
		adminCommands,
		approvalCommands,
		approvalSetCommands,
		auditCommands,
		auditCountCommands,
		backupCommands, tenantBackupCommands,
		baselineCommands,
		clockCommands,
		connectCommands,
		connectionCommands,
		deviceCommands,
		explainCommands,
		exportCommands,
		instanceCommands, instancesCommands,
		inviteCommands,
		keyCommands,
		keyDeleteCommands,
		keyLockCommands,
		keyPassphraseCommands,
		keyPauseCommands,
		keySetCommands,
		leaveCommands,
		legacyCommands,
		loginCommands,
		notifyCommands,
		passphraseCommands,
		personCommands,
		pictureCommands,
		planCommands,
		policyCommands,
		policyCheckCommands,
		policySimulateCommands,
		profileCommands,
		quorumCommands,
		relayCommands,
		salesCommands,
		scriptCommands,
		seatCommands,
		sealCommands,
		selfCommands,
		sessionCommands,
		setupCommands,
		slotCommands,
		statusCommands,
		stopCommands, copyCommands,
		tenantCommands,
		tokenCommands,
		versionCommands,
	}
}

// local is the machine's own socket: where commands come from. system adds the
// bunker's own timers and its start.
func local() []bunker.Door  { return []bunker.Door{bunker.DoorSocket} }
func system() []bunker.Door { return []bunker.Door{bunker.DoorSocket, bunker.DoorSystem} }

// System is the principal of the bunker's own timers and of its start.
func System() bunker.Principal {
	return bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem, Fresh: true}
}

// Commands returns the rows in order of name.
func (t *Table) Commands() []*Command {
	list := make([]*Command, 0, len(t.commands))
	for _, c := range t.commands {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// add puts a row into the table with its typed function.
func add[P, R any](t *Table, c Command, run func(ctx context.Context, c *Call, p P) (R, error)) {
	if _, twice := t.commands[c.Name]; twice {
		panic("admin: " + c.Name + " is in the table twice")
	}
	c.params, c.result = reflect.TypeFor[P](), reflect.TypeFor[R]()
	c.run = func(ctx context.Context, call *Call, params any) (any, error) {
		return run(ctx, call, *params.(*P))
	}
	t.commands[c.Name] = &c
}

// Dispatch runs a command for a principal. params is a JSON object; fields that
// the command does not have are refused by name. Errors are *bunker.Error.
func (t *Table) Dispatch(ctx context.Context, p bunker.Principal, name string, params []byte) (any, error) {
	return t.dispatch(ctx, p, &Order{Name: name, Params: params}, nil)
}

// dispatch is Dispatch; also, when it is not nil, runs in the command's one
// transaction after it.
func (t *Table) dispatch(ctx context.Context, p bunker.Principal, o *Order, also func(Tx) error) (any, error) {
	c, ok := t.commands[o.Name]
	if !ok {
		return nil, bunker.Errorf(bunker.CodeNotFound, "there is no command %q", clip(o.Name)).WithHint("nsecbunker help")
	}
	if err := t.permit(ctx, p, c); err != nil {
		return nil, bunker.AsError(err)
	}
	if err := t.believed(ctx, p, c); err != nil {
		return nil, bunker.AsError(err)
	}
	v, err := decode(c.params, o.Params)
	if err != nil {
		return nil, err
	}
	defer wipe(v.Elem())
	// From here on a caller of some keys has a table in which nothing else is.
	seen, inScope := t.within(p)
	if c, ok = seen.commands[o.Name]; !ok {
		return nil, bunker.AsError(beyond())
	}
	if err := seen.reach(ctx, p, c, v.Elem()); err != nil {
		return nil, bunker.AsError(err)
	}
	same, err := seen.sameVersion(ctx, c, v.Elem(), o.IfVersion)
	if err != nil {
		return nil, bunker.AsError(err)
	}
	call := &Call{Principal: p, Command: c, Now: t.Now(), glass: brokenGlass(v.Elem())}
	if call.glass && p.Door != bunker.DoorSocket {
		return nil, bunker.Errorf(bunker.CodeRestricted, "the glass is broken at the machine only").In("break_glass")
	}
	if c.Quorum != QuorumNone {
		if call.motion, err = seen.motionOf(ctx, c, v.Elem()); err != nil {
			return nil, bunker.AsError(err)
		}
	}
	call.change = func(ctx context.Context, f func(all, tx Tx) error) error {
		return t.Rows.Change(ctx, t.Tenant, p, func(tx Tx) error {
			if err := stillMay(tx, p, c); err != nil {
				return err
			}
			if err := heldBy(tx.Tenant().Standing, c); err != nil {
				return err
			}
			if err := same(inScope(tx)); err != nil {
				return err
			}
			if err := f(tx, inScope(tx)); err != nil || also == nil || call.waits != nil {
				return err // of a yes that waits for others, nothing was made yet
			}
			return also(tx)
		})
	}
	result, err := c.run(ctx, call, v.Interface())
	if err != nil {
		return nil, bunker.AsError(err)
	}
	if c.Writes && !call.committed {
		return nil, bunker.AsError(fmt.Errorf("admin: %s ended without a record", c.Name))
	}
	return result, nil
}

// permit is the one place that lets a principal call a command.
func (t *Table) permit(ctx context.Context, p bunker.Principal, c *Command) error {
	switch {
	case c.Role == bunker.NoRole && !c.Anyone || !slices.Contains(c.Doors, p.Door):
		return bunker.Errorf(bunker.CodeRestricted, "%s cannot be called from here", c.Name)
	case c.Anyone && p.PubKey.IsZero():
		return bunker.Errorf(bunker.CodeRestricted, "%s is for a person who has proven his npub", c.Name)
	case p.Role < c.Role:
		return bunker.Errorf(bunker.CodeRestricted, "%s needs the role %s; yours is %s", c.Name, c.Role, p.Role)
	case len(p.Keys) > 0 && c.Scope.whole():
		return bunker.Errorf(bunker.CodeRestricted, "%s is for admins of the whole bunker; your role is for some keys only", c.Name)
	}
	if err := t.guestless(c); err != nil {
		return err
	}
	if c.Dangerous && !p.Fresh {
		return bunker.Errorf(bunker.CodeNeedsProof, "%s needs the bunker's passphrase", c.Name)
	}
	if err := t.held(ctx, c); err != nil || c.WhileSealed {
		return err
	}
	// Not set up counts before unsealed: while setting up is under way there is a
	// root key that may yet be given up.
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	switch {
	case err != nil:
		return err
	case !st.SetUp:
		return bunker.Errorf(bunker.CodeSealed, "the bunker is not set up yet").WithHint("nsecbunker setup")
	case !t.Vault.Unsealed(t.Tenant):
		return bunker.Errorf(bunker.CodeSealed, "the bunker is sealed").WithHint("nsecbunker unseal")
	}
	return nil
}
