// Package store keeps everything in SQL: who may do what, the ledger of
// requests and replies, and the audit chain. It lies in an SQLite file or in a
// PostgreSQL database; what belongs to an engine stands behind [engine] in
// sqlite*.go or postgres*.go and in migrations/, the rest is SQL that both take
// (placeholders $1…, numbered in order of first use; a parameter that is compared
// with a number is cast, since PostgreSQL would take it for a smaller one).
//
// Rows that carry authority have a MAC; every read of them goes through one
// function ([verify]) that checks it. While the tenant is sealed no MAC can be
// checked: [Store.View] then says so, and other reads fail.
//
// Requests are committed in groups by the goroutine in [Store.Run], as
// ledger.md says; changes by admins run one at a time between the groups. Both
// begin by taking the tenant's head row, so that each decision is wholly before
// or wholly after each change.
package store
