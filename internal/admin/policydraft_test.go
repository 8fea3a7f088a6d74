package admin

import (
	"fmt"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestADraftIsReadWithoutBeingKept: what the editor shows while somebody types.
func TestADraftIsReadWithoutBeingKept(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	text := "name = \"newsroom\"\nzone = \"Europe/Paris\"\n\n[[rule]]\nid = \"notes\"\neffect = \"allow\"\nkinds = [1, \"reaction\"]\nbudget = {day = 20}\n"
	res := f.do("policy.check", m{"text": text, "against": "newsroom"})
	if get(res, "good") != true || fmt.Sprint(get(res, "policy", "sentences")) != "[may post notes and react, at most 20 a day]" || fmt.Sprint(get(res, "policy", "rules")) == "[]" {
		t.Errorf("read as %v", res)
	}
	if w := fmt.Sprint(get(res, "widens")); !strings.Contains(w, "rule notes") {
		t.Errorf("widens: %s", w)
	}
	if c := fmt.Sprint(get(res, "changes")); !strings.Contains(c, "20") {
		t.Errorf("changes: %s", c)
	}
	// What comes out goes in again, and says the same.
	again := f.do("policy.check", m{"text": str(res, "policy", "text")})
	if str(again, "policy", "text") != str(res, "policy", "text") || str(res, "policy", "text") == "" {
		t.Errorf("written as %q, then %q", str(res, "policy", "text"), str(again, "policy", "text"))
	}
	// Rules, too: as the editor has them.
	res = f.do("policy.check", m{"name": "newsroom", "zone": "Europe/Paris", "rules": []m{rule("notes", 1, nil)}, "against": "newsroom", "version": 1})
	if get(res, "good") != true || get(res, "widens") != nil || get(res, "changes") != nil {
		t.Errorf("the same: %v", res)
	}
	// What was shown and comes back is the same, also where no zone was given.
	f.do("policy.create", m{"name": "plain", "rules": []m{rule("notes", 1, m{"hours": []m{{"from": 0, "to": 60}}})}})
	before := f.seq()
	shown := f.do("policy.show", m{"policy": "plain"})
	res = f.do("policy.check", m{"name": "plain", "zone": str(shown, "policy", "zone"), "rules": get(shown, "policy", "rules"), "against": "plain"})
	if get(res, "changes") != nil || get(res, "widens") != nil {
		t.Errorf("shown and sent back: %v", res)
	}
	if f.seq() != before {
		t.Error("looking at a draft left a record")
	}
}

func TestWhatIsWrongWithADraftIsAllNamed(t *testing.T) {
	f := setUp(t)
	res := f.do("policy.check", m{"text": "name = \"x\"\n\n[[rule]]\neffect = \"allow\"\nkindz = [1]\n\n[[rule]]\neffect = \"alow\"\n"})
	if get(res, "good") != false || get(res, "policy") != nil {
		t.Errorf("%v", res)
	}
	problems := get(res, "problems").([]any)
	if len(problems) != 2 || get(problems[0], "line") != 5.0 || str(problems[0], "hint") != `did you mean "kinds"?` || get(problems[1], "line") != 8.0 {
		t.Errorf("problems: %v", problems)
	}
	// Rules that cannot be kept still say what they mean, but have no text.
	res = f.do("policy.check", m{"name": "x", "rules": []m{rule("a", 1, m{"methods": []string{"nip44_encrypt"}}), rule("b", 1, nil)}})
	if get(res, "good") != false || str(res, "policy", "text") != "" || len(get(res, "policy", "sentences").([]any)) != 2 || str(get(res, "problems").([]any)[0], "rule") != "a" {
		t.Errorf("%v", res)
	}
	f.refused(bunker.CodeInvalid, "give one or the other", "policy.check", m{"text": "name = \"x\"", "name": "x"})
	f.refused(bunker.CodeNotFound, "no policy", "policy.check", m{"name": "x", "rules": []m{rule("a", 1, nil)}, "against": "nobody"})
}
