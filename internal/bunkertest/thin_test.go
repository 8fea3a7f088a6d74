package bunkertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"nsecbunker/internal/pgtest"
	"nsecbunker/nostr"
)

// withServer ends the database server that the tests share, before leaks are looked for.
type withServer struct{ *testing.M }

func (m withServer) Run() int {
	code := m.M.Run()
	if err := pgtest.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func TestMain(m *testing.M) {
	if os.Getenv(SkewEnv) != "" {
		if err := RunSkewed(os.Args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	besideEachOther()
	debug.SetGCPercent(400) // many small bunkers one after another: less of the time goes into collecting them
	goleak.VerifyTestMain(withServer{m}, goleak.Cleanup(func(code int) {
		if err := removeBinary(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// besideEachOther lets one test more run at once than there are cores: most of them wait
// for relays, disks and processes of theirs. -parallel says otherwise.
func besideEachOther() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return
	}
	if err := flag.Set("test.parallel", strconv.Itoa(1+runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The straight line through all floors: a link, a client, signatures.
func TestALinkLetsAnAppSign(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	c := b.Client(b.Token("herald", "all"))
	if got := c.Session().User.String(); got != pub {
		t.Fatalf("user key %s, want %s", got, pub)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range 20 {
		// SignEvent verifies that the event is the one that was asked for.
		if _, err := c.SignEvent(ctx, &nostr.Template{Kind: 1, CreatedAt: b.Clock.Now().Unix(), Content: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 20 {
		t.Errorf("%d records of 20 signatures", n)
	}
	b.VerifyOutside()
}
