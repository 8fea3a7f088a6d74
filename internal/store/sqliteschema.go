package store

import "context"

// sqliteNames are the tables of ours; sqlite's own and goose's are not.
const sqliteNames = `name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`

func (e *sqliteEngine) hasTable(ctx context.Context, q querier, name string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1", name).Scan(&n)
	return n > 0, err
}

func (e *sqliteEngine) tables(ctx context.Context, q querier) ([]string, error) {
	return texts(ctx, q, `SELECT name FROM sqlite_schema WHERE type = 'table' AND `+sqliteNames+` ORDER BY name`)
}

func (e *sqliteEngine) columns(ctx context.Context, q querier, table string) ([]string, error) {
	return texts(ctx, q, `SELECT name FROM pragma_table_info($1) ORDER BY name`, table)
}

// schema implements engine.
func (e *sqliteEngine) schema(ctx context.Context, q querier) ([]string, error) {
	return texts(ctx, q, `SELECT sql || ';' FROM sqlite_schema
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY type DESC, name`)
}
