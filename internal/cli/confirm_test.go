package cli

import (
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestNobodyIsAskedAboutWhatThereIsNot: what is to be done away with is looked for before a yes is asked for.
func TestNobodyIsAskedAboutWhatThereIsNot(t *testing.T) {
	t.Parallel()
	none := refuser{bunker.Errorf(bunker.CodeNotFound, "there is nothing of that name")}
	for _, line := range []string{"connections revoke gone", "key delete gone", "tenant end gone", "policy delete gone --force"} {
		a, _, talk := newApp(t, none, "")
		if code := a.run(t.Context(), strings.Fields(line)); code != exitFailed || talk.String() != "error: there is nothing of that name\n" {
			t.Errorf("nsecbunker %s: exit code %d, %q", line, code, talk)
		}
		a, _, talk = newApp(t, &recorder{calls: map[string]map[string]bool{}}, "")
		if code := a.run(t.Context(), strings.Fields(line)); code != exitFailed || !strings.Contains(talk.String(), "this needs a yes") {
			t.Errorf("nsecbunker %s of what there is: exit code %d, %q", line, code, talk)
		}
	}
}

// So it is with what only a list shows.
func TestNobodyIsAskedAboutWhatNoListShows(t *testing.T) {
	t.Parallel()
	const npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
	const other = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
	for line, want := range map[string]string{
		"admin remove " + other: "error: this npub is no admin here\nhint: nsecbunker admin list\n",
		"admin remove bob":      "error: that is no npub",
		"seal slot remove gone": "error: there is no key slot \"gone\"\nhint: nsecbunker seal slot list\n",
	} {
		a, _, talk := newApp(t, &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{
			"admin.list": `{"admins":[{"npub":"` + npub + `"}]}`, "slot.list": `{"slots":[{"name":"file","id":"s1"}]}`,
		}}, "")
		if code := a.run(t.Context(), strings.Fields(line)); code == exitOK || !strings.HasPrefix(talk.String(), want) {
			t.Errorf("nsecbunker %s: exit code %d, %q, want %q", line, code, talk, want)
		}
	}
	for _, line := range []string{"admin remove " + npub, "seal slot remove file", "seal slot remove s1"} {
		a, _, talk := newApp(t, &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{
			"admin.list": `{"admins":[{"npub":"` + npub + `"}]}`, "slot.list": `{"slots":[{"name":"file","id":"s1"}]}`,
		}}, "")
		if code := a.run(t.Context(), strings.Fields(line)); code != exitFailed || !strings.Contains(talk.String(), "this needs a yes") {
			t.Errorf("nsecbunker %s of what there is: exit code %d, %q", line, code, talk)
		}
	}
}
