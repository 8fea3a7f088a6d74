package cli

import "testing"

// A 0 is refused before anything is sent: left out, these mean "any number".
func TestANumberOfThingsIsNeverNone(t *testing.T) {
	t.Parallel()
	for command, lines := range map[string][]string{
		"token.create":     {"token create herald --client c --perms all --uses 0"},
		"connection.grant": {"connections grant coracle all --uses 0", "connections grant coracle all --uses -1"},
		"approval.answer":  {"approve q1 --times 0", "approve q1 --kind --times -5"},
		"tenant.quota":     {"tenant quota t1 --people 0", "tenant quota t1 --keys 0", "tenant quota t1 --people 5 --rate -1"},
		"tenant.add":       {"tenant add --people 0"},
		"tenant.restore":   {"tenant restore /tmp/x --people 0 --yes"},
		"plan.renew":       {"plan renew --people 0"},
	} {
		for _, line := range lines {
			if got, code := sent(t, line, command, openQuestions); code != exitUsage || got != nil {
				t.Errorf("%s: exit %d, want %d; sent %v", line, code, exitUsage, got)
			}
		}
	}
}
