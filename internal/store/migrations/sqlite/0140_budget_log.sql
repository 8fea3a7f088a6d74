-- +goose Up
-- What was spent of budgets and is not counted in their rows yet. A row is added by each group of requests that spends something, at the
-- end of the table; where the rows of budgets are written one by one, each costs a page of the log for itself. See budgetlog.go.

CREATE TABLE budget_log (
  no     INTEGER NOT NULL PRIMARY KEY,
  tenant TEXT    NOT NULL,
  spent  TEXT    NOT NULL -- JSON
) STRICT;

-- What is never over is found without reading what is.
CREATE INDEX budget_total ON budget (tenant) WHERE ends_at = 0;
