package examples

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/notify"
)

// TestTheWebhookExampleVerifiesOurSignatures, and nothing else.
func TestTheWebhookExampleVerifiesOurSignatures(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	const secret, body = "a secret", `{"v":1,"text":"ä question"}`
	check := func(header, body string) string {
		cmd := exec.Command(python, "verify_webhook.py", "--check", header)
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret)
		cmd.Stdin = strings.NewReader(body)
		out, _ := cmd.Output() // it says wrong by its exit code, too
		return strings.TrimSpace(string(out))
	}
	good := notify.Sign([]byte(secret), time.Now(), []byte(body))
	for name, c := range map[string]struct{ header, body, want string }{
		"as sent":            {good, body, "right"},
		"another body":       {good, body + " ", "wrong"},
		"another secret":     {notify.Sign([]byte("another"), time.Now(), []byte(body)), body, "wrong"},
		"an old one":         {notify.Sign([]byte(secret), time.Now().Add(-time.Hour), []byte(body)), body, "wrong"},
		"another time":       {strings.Replace(good, "t=1", "t=2", 1), body, "wrong"},
		"no signature":       {"", body, "wrong"},
		"a time like no one": {"t=-1,v1=00", body, "wrong"},
	} {
		if got := check(c.header, c.body); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
