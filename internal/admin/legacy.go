package admin

import (
	"context"
	"fmt"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// MaxLegacy is how long the first nsecBunker's admin protocol can be let in at once.
const MaxLegacy = 90 * 24 * time.Hour

// fromLegacy are the commands behind the first nsecBunker's admin protocol
// (security.md section 5): it reads, revokes and answers. None of them makes anything,
// or returns a secret.
func fromLegacy() []string {
	return []string{
		"approval.answer", "connection.list", "connection.revoke", "connection.show", "key.list", "policy.list", "policy.show", "token.list",
	}
}

// openLegacy gives those commands that door.
func (t *Table) openLegacy() {
	for _, name := range fromLegacy() {
		c := t.commands[name]
		c.Doors = append(c.Doors, bunker.DoorLegacy)
	}
}

func legacyCommands(t *Table) {
	add(t, Command{
		Name: "admin.legacy", Summary: "Lets an admin use the first nsecBunker's admin protocol until a time, or not any more: it reads, revokes and answers, with the npub alone and no device.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAdmins,
	}, t.adminLegacy)
}

type adminLegacyParams struct {
	Npub string `json:"npub"`
	For  Span   `json:"for,omitzero" doc:"how long, at most 90 days; this or off"`
	Off  bool   `json:"off,omitempty" doc:"not any more"`
	glass
}

const legacyWords = "the old protocol has no device and no forward secrecy: who has this npub's key, or a page that may sign and decrypt with it, can read, revoke and answer here until then"

func (t *Table) adminLegacy(ctx context.Context, c *Call, p adminLegacyParams) (adminResult, error) {
	end, err := p.end(c.Now)
	if err != nil {
		return adminResult{}, err
	}
	words := "the old admin protocol: off"
	if end != 0 {
		words = "the old admin protocol: until " + Time(end).text()
	}
	res, err := t.changeAdmin(ctx, c, p.Npub, words, func(tx Tx, a *bunker.Admin) error {
		a.LegacyUntil = end
		return notAKeyHere(tx, a.PubKey, end != 0)
	})
	if err == nil && end != 0 {
		res.Warnings = append(res.Warnings, legacyWords)
	}
	return res, err
}

// end is until when; 0 for off.
func (p *adminLegacyParams) end(now time.Time) (int64, error) {
	switch {
	case (p.For != 0) == p.Off:
		return 0, bunker.Errorf(bunker.CodeInvalid, "say for how long, or off: one of them").In("for")
	case p.Off:
		return 0, nil
	case time.Duration(p.For) > MaxLegacy:
		return 0, bunker.Errorf(bunker.CodeInvalid, "the old protocol can be let in for 90 days at most; it can be said again then").In("for")
	}
	return now.Add(time.Duration(p.For)).UnixMilli(), nil
}

// notAKeyHere refuses a door to an npub that is a user key: whoever the key signs for
// could come through it.
func notAKeyHere(tx Tx, pub nostr.PubKey, on bool) error {
	if !on {
		return nil
	}
	return eachKeyIn(tx, func(k *bunker.UserKey) error {
		if k.PubKey != pub {
			return nil
		}
		return bunker.Errorf(bunker.CodeConflict, "this npub is the key %s here, so whoever it signs for could come this way", k.Name).In("npub")
	})
}

// changeAdmin changes one admin's row.
func (t *Table) changeAdmin(ctx context.Context, c *Call, who, words string, f func(tx Tx, a *bunker.Admin) error) (adminResult, error) {
	pub, err := npub("npub", who)
	if err != nil {
		return adminResult{}, err
	}
	var changed *bunker.Admin
	err = c.Commit(ctx, &bunker.AuditRecord{Object: pub.String(), Reason: words}, func(tx Tx) error {
		admins, err := tx.Admins()
		if err != nil {
			return err
		}
		for i := range admins {
			if admins[i].PubKey == pub {
				changed = &admins[i]
			}
		}
		if changed == nil {
			return bunker.Errorf(bunker.CodeNotFound, "this npub is no admin here").In("npub").WithHint("nsecbunker admin list")
		}
		if err := f(tx, changed); err != nil {
			return err
		}
		return tx.PutAdmin(changed)
	})
	if err != nil {
		return adminResult{}, err
	}
	return adminResult{Admin: viewAdmin(changed)}, nil
}

// warnOfLegacy says who may come by the old protocol, for as long as that is so.
func warnOfLegacy(res *statusResult, a *bunker.Admin, now int64) {
	if a.Legacy(now) {
		who := nip19.EncodeNpub(a.PubKey)
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s may use the old admin protocol until %s. To end that: nsecbunker admin legacy %s --off", who, Time(a.LegacyUntil).text(), who))
	}
}

// onlyOldAnswers holds answers of the old protocol to what it can say: a yes or no
// that lasts, about the question that was shown, and a name.
func onlyOldAnswers(c *Call, p approvalAnswerParams) error {
	if c.Principal.Door != bunker.DoorLegacy {
		return nil
	}
	rest := p.answerParams
	rest.Deny, rest.Never, rest.Name = false, false, ""
	switch approval.Scope(rest.Scope) {
	case approval.Once, approval.Kind, approval.Kinds, approval.Method:
		rest.Scope = ""
	}
	if p.Digest == "" || rest != (answerParams{}) {
		return bunker.Errorf(bunker.CodeRestricted, "the old admin protocol can say always and never; for more, answer in the terminal").WithHint("nsecbunker approvals")
	}
	return nil
}
