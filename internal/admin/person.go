package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

func personCommands(t *Table) {
	add(t, Command{
		Name: "person.forget", Summary: "Erases a person's name: connections and links are for nobody by name then, and the log keeps a digest.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.personForget)
}

type personForgetParams struct {
	Person string `json:"person" doc:"the name"`
}

type personForgetResult struct {
	Connections int `json:"connections" doc:"that were for the person"`
	Tokens      int `json:"tokens" doc:"that were for the person"`
}

// personForget leaves nothing of the name in the store: the record of it has the
// digest, too.
func (t *Table) personForget(ctx context.Context, c *Call, p personForgetParams) (personForgetResult, error) {
	var res personForgetResult
	person, err := text("person", p.Person, true)
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Person: t.Vault.PersonTag(t.Tenant, person), Reason: "a person's name was erased"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		known, err := tx.ForgetPerson(person)
		if err == nil && !known {
			err = bunker.Errorf(bunker.CodeNotFound, "no connection and no link was ever for somebody of this name").In("person")
		}
		if err != nil {
			return err
		}
		if res.Connections, err = unnameConnections(tx, person); err != nil {
			return err
		}
		res.Tokens, err = unnameTokens(tx, person)
		return err
	})
	return res, err
}

func unnameConnections(tx Tx, person string) (int, error) {
	return unname(person, func(p Page) ([]bunker.Connection, error) { return tx.Connections("", p) },
		func(c *bunker.Connection) (string, *string) { return string(c.ID), &c.Person }, tx.PutConnection)
}

func unnameTokens(tx Tx, person string) (int, error) {
	return unname(person, tx.Tokens, func(t *bunker.Token) (string, *string) { return string(t.ID), &t.Person }, tx.PutToken)
}

// unname takes a person's name out of every row of a list that has it.
func unname[T any](person string, list func(Page) ([]T, error), of func(*T) (id string, person *string), put func(*T) error) (n int, err error) {
	for page := (Page{Limit: MaxPage}); ; {
		rows, err := list(page)
		if err != nil {
			return n, err
		}
		for i := range rows {
			_, name := of(&rows[i])
			if *name != person {
				continue
			}
			*name = ""
			if err := put(&rows[i]); err != nil {
				return n, err
			}
			n++
		}
		if page.After = next(rows, page, func(r *T) string { id, _ := of(r); return id }); page.After == "" {
			return n, nil
		}
	}
}

// namePersons puts the names in place of the digests that records have of them. The
// names are outside the chain; one that was erased stays a digest.
func (t *Table) namePersons(ctx context.Context, recs []bunker.AuditRecord) error {
	var names map[string]string
	for i := range recs {
		if recs[i].Person == "" {
			continue
		}
		if names == nil {
			list, err := t.Rows.Persons(ctx, t.Tenant, nil)
			if err != nil {
				return err
			}
			names = make(map[string]string, len(list))
			for _, n := range list {
				names[t.Vault.PersonTag(t.Tenant, n)] = bunker.Display(n, MaxName)
			}
		}
		if n, ok := names[recs[i].Person]; ok {
			recs[i].Person = n
		}
	}
	return nil
}
