package cli

import "testing"

func TestAPolicysZoneIsThisMachines(t *testing.T) {
	t.Parallel()
	for tz, want := range map[string]string{"Europe/Paris": "Europe/Paris", ":America/Havana": "America/Havana", "UTC": "UTC", "Mars/Base": "", "Local": "", "../../etc/passwd": ""} {
		a, _, _ := newApp(t, nil, "")
		a.getenv = func(string) string { return tz }
		if got := a.localZone(); got != want {
			t.Errorf("TZ=%s: %q, want %q", tz, got, want)
		}
	}
}

func TestARuleIsShownAsItIs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"id":"a","effect":"deny"}`:                                       "everything",
		`{"id": "a", "effect": "allow", "budget": {"per_day": 2}}`:         `"budget":{"per_day":2}`,
		`{"id":"a","note":"x","effect":"ask","kinds":[{"from":1,"to":1}]}`: `"note":"x","kinds":[{"from":1,"to":1}]`,
		`{"id":"a","effect":"allow","note":"\u001b[2J","rights":["post"]}`: `"note":"\u001b[2J","rights":["post"]`,
	} {
		id, _, got, err := ruleRow([]byte(raw))
		if err != nil || id != "a" || got != want {
			t.Errorf("%s is shown as %s, %v", raw, got, err)
		}
	}
}
