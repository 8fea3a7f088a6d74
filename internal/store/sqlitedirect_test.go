package store

import "testing"

func TestOnlyParametersInOrderLoseTheirNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"COMMIT":                    "COMMIT",
		"VALUES ($1, $2, 'x', $3)":  "VALUES (?, ?, 'x', ?)",
		"VALUES ($1, $2, $2)":       "VALUES ($1, $2, $2)",
		"SET a = $2 WHERE b = $1":   "SET a = $2 WHERE b = $1",
		statements[stmtReplay].text: statements[stmtReplay].text,
	} {
		if got := unnamed(text); got != want {
			t.Errorf("%s became %s", text, got)
		}
	}
	for _, id := range []stmtID{stmtReady, stmtAudit, stmtReply, stmtDelivered, stmtDeliveredNo, stmtHead} {
		if text := statements[id].text; unnamed(text) == text {
			t.Errorf("every request runs %s, so its parameters should be in order, each once", text)
		}
	}
}
