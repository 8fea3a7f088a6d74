package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/store"
)

// Where a store can be moved to.
const (
	toPostgres = "postgres"
	toSQLite   = "sqlite"
)

func (a *app) migrateStoreCmd() *cobra.Command {
	var database string
	cmd := &cobra.Command{
		Use: "migrate-store " + toPostgres + "|" + toSQLite, Short: "move the store to PostgreSQL, or back", Args: args("ENGINE"),
		ValidArgs: []string{toPostgres, toSQLite},
		Long: `Moves the store of the data folder into an empty PostgreSQL database, or from there back into the folder. The bunker must be stopped. Both are
compared afterwards, row by row, and the log's chain is verified; if anything fails, the old store is as it was and the new one cannot be
opened.

A moved store begins a new life, as a restored one does: its keys are locked and its connections suspended until you have looked at them, and
links that were not used are void. The old one cannot be opened any more.

The database's password comes from $PGPASSWORD, or from the file that $PGPASSFILE names (~/.pgpass); never from the command line.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.migrateStore(cmd.Context(), args[0], database) },
	}
	cmd.Flags().StringVar(&database, "database", "", "`URL` of the PostgreSQL database (default from config.toml)")
	return a.yesFlag(cmd)
}

func (a *app) migrateStore(ctx context.Context, engine, database string) error {
	if engine != toPostgres && engine != toSQLite {
		return usage("%q is neither %s nor %s", engine, toPostgres, toSQLite)
	}
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	c, err := config.Load(dir)
	if err != nil {
		return fail("%w", err)
	}
	if database == "" {
		database = c.Database
	}
	if database == "" {
		return usage("no database is named: give its URL with --database")
	}
	if err := store.CheckDatabase(database); err != nil {
		return err
	}
	there := store.DescribeDatabase(database)
	what := fmt.Sprintf("The store of %s moves to the %s.", dir, there)
	if engine == toSQLite {
		what = fmt.Sprintf("The store in the %s moves to %s.", there, dir)
	}
	if err := a.confirm(ctx, what+" Keys will be locked and connections suspended until you\nhave looked at them, and links that were not used are void.", "move"); err != nil {
		return err
	}
	privateFiles()
	m, err := daemon.MoveStore(ctx, dir, database, engine == toSQLite, a.quietLog(), func(table string, rows int64) {
		a.say("%-18s %d rows", table, rows)
	})
	if err != nil {
		return err
	}
	return a.movedStore(m, engine, there)
}

func (a *app) movedStore(m store.Moved, engine, there string) error {
	if a.asJSON {
		return a.json(map[string]any{"from": m.From, "to": m.To, "rows": m.Rows, "tables": m.Tables, "records": m.Records, "head": m.Head, "kept": m.Kept})
	}
	a.say("Moved and compared: %d rows; the log is whole, %d records, head %s.", m.Rows, m.Records, shown(m.Head, 64))
	if engine == toPostgres {
		a.say("The old file is kept as %s. Once the bunker has run, remove it: it holds everything that it held.", shown(m.Kept, 500))
		a.say("From now on: nsecbunker start --database URL, or database = \"URL\" in config.toml.")
	} else {
		a.say("The %s still holds the old store, which cannot be opened any more; drop it once the bunker has run.", there)
		a.say("From now on: nsecbunker start, without --database and without database in config.toml.")
	}
	a.say("Then look at nsecbunker connections, end the review with nsecbunker connections review, unlock keys, and resume apps: nsecbunker connections resume")
	return nil
}
