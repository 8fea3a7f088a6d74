package cli

import (
	"strings"
	"testing"
)

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

func TestAPolicyIsShownInSentences(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{"policy.show": `{"policy": {"name": "x", "zone": "Europe/Paris", "rules": [
		{"id": "a", "effect": "allow", "rights": ["post"], "hours": [{"days": ["sat"], "from": 0, "to": 0}], "tags": [{"name": "t", "values": ["\u001b[2J"]}]},
		{"id": "b", "effect": "deny", "kinds": [{"from": 5, "to": 5}]}]}}`}}
	a, out, talk := newApp(t, r, "")
	if code := a.run(t.Context(), []string{"policy", "show", "x"}); code != exitOK {
		t.Fatal(talk)
	}
	for _, want := range []string{"a     may post, with t only [2J, Saturdays (Europe/Paris)\n", "b     may not delete events\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
