package store

import "context"

// Totals counts what is under way in all tenants together.
type Totals struct {
	Questions     int // waiting for a person
	Parked        int // requests that wait for an answer
	Ready         int // replies that no relay has taken yet
	Undeliverable int // replies that were given up
}

// Totals reads the numbers of this moment. Each has an index of its own rows.
func (s *Store) Totals(ctx context.Context) (t Totals, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM approval WHERE state = 'pending'), (SELECT count(*) FROM request WHERE state = 'parked'),
(SELECT count(*) FROM request WHERE state = 'ready'), (SELECT count(*) FROM request WHERE state = 'undeliverable')`).Scan(&t.Questions, &t.Parked, &t.Ready, &t.Undeliverable)
	return t, s.explain("counting what is under way", err)
}
