package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
)

const (
	// clockTimeout is how long a relay may take to tell the time.
	clockTimeout = 10 * time.Second
	// clockOff is how far the clock may be off before doctor warns: apps drop
	// replies that are dated minutes off.
	clockOff = time.Minute
	// diskLow and diskFull are the free bytes in the data folder below which doctor
	// warns, and below which it fails.
	diskLow  = 1 << 30
	diskFull = 64 << 20
)

// finding is what one check of doctor says.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warn, fail
	Words string `json:"words"`
	Hint  string `json:"hint,omitempty"`
}

// doctor is one examination.
type doctor struct {
	*app
	dir   string
	mu    sync.Mutex
	found []finding
	code  int
}

func (a *app) doctorCmd() *cobra.Command {
	var quick bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "look for what is wrong, and say what to do", Args: args(),
		Long: `Looks for what is wrong and says what to do: data folder, disk, memory, configuration, the running bunker and its log, the clock, and
every relay, by sending a message there and back through it.

--quick leaves out what takes long or goes out to the network; it is meant for health checks. Exit code 0: nothing is broken.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.dataDir()
			if err != nil {
				return err
			}
			return (&doctor{app: a, dir: dir}).run(cmd.Context(), quick)
		},
	}
	cmd.Flags().BoolVar(&quick, "quick", false, "only what is fast and local")
	return cmd
}

func (d *doctor) run(ctx context.Context, quick bool) error {
	d.folder()
	d.disk()
	d.configuration()
	st, running := d.bunker(ctx)
	d.memory(running, st.Memory.Locked)
	if running && !quick {
		d.instance(ctx)
		d.relays(ctx, st)
	}
	if d.asJSON {
		if err := d.json(d.found); err != nil {
			return err
		}
	}
	broken := 0
	for _, f := range d.found {
		if f.State == "fail" {
			broken++
		}
	}
	if broken == 0 {
		if !quick {
			d.say("Nothing is broken.")
		}
		return nil
	}
	f := fail("%s to be mended", count(broken, "thing"))
	if d.code != 0 {
		f.code = d.code
	}
	return f
}

// findingIndent is where the words of a finding begin.
const findingIndent = 20

// note keeps a finding and shows it.
func (d *doctor) note(f finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found = append(d.found, f)
	if d.asJSON {
		return
	}
	mark := map[string]string{"ok": "ok   ", "warn": "warn ", "fail": "FAIL "}[f.State]
	lines := []string{shown(f.Words, 500)}
	if f.Hint != "" {
		lines = append(lines, "→ "+shown(f.Hint, 500))
	}
	if width := widthOf(d.Out); width > 0 {
		for i, l := range lines {
			lines[i] = strings.Join(brokenUp(l, max(width-findingIndent, narrowest)), "\n")
		}
	}
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "\n", "\n"+strings.Repeat(" ", findingIndent))
	if err := d.line(fmt.Sprintf("%s %-13s %s", mark, f.Check, text)); err != nil {
		return // nobody reads; the exit code still says it
	}
}

func (d *doctor) ok(check, format string, args ...any) {
	d.note(finding{Check: check, State: "ok", Words: fmt.Sprintf(format, args...)})
}

func (d *doctor) warnOf(check, hint, format string, args ...any) {
	d.note(finding{check, "warn", fmt.Sprintf(format, args...), hint})
}

func (d *doctor) fails(check, hint, format string, args ...any) {
	d.note(finding{check, "fail", fmt.Sprintf(format, args...), hint})
}

// folder checks that nobody else can read or write the data.
func (d *doctor) folder() {
	info, err := os.Stat(d.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warnOf("data folder", "nsecbunker start makes it", "%s is not there yet", d.dir)
		return
	case err != nil:
		d.fails("data folder", "name the right folder with --data", "%s cannot be read: %s", d.dir, err)
		return
	case !info.IsDir():
		d.fails("data folder", "name a folder with --data", "%s is no folder", d.dir)
		return
	case info.Mode().Perm()&0o077 != 0:
		d.fails("data folder", "chmod 700 "+d.dir, "others can enter %s (mode %04o)", d.dir, info.Mode().Perm())
		return
	}
	if loose := d.looseFiles(); loose != "" {
		d.fails("data folder", "chmod 600 "+loose, "others can read %s", loose)
		return
	}
	if !ownedByUs(info) {
		d.fails("data folder", "run this as the user that runs the bunker", "%s belongs to somebody else", d.dir)
		return
	}
	d.ok("data folder", "%s is yours alone", d.dir)
}

// looseFiles names the first file in the folder that others may touch.
func (d *doctor) looseFiles() string {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSymlink == 0 && e.Name() != config.File {
			return filepath.Join(d.dir, e.Name())
		}
	}
	return ""
}

func (d *doctor) disk() {
	free, err := freeBytes(d.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		d.warnOf("disk", "", "the free space cannot be read: %s", err)
	case free < diskFull:
		d.fails("disk", "make room: what cannot be recorded is not signed", "%d MiB are free", free>>20)
	case free < diskLow:
		d.warnOf("disk", "make room before it is full", "%d MiB are free", free>>20)
	default:
		d.ok("disk", "%d GiB are free", free>>30)
	}
}

// memory asks whether secrets can be written to swap: of the running bunker, else
// of the one that would be started from here.
func (d *doctor) memory(running, locked bool) {
	limit, err := memlock()
	c, confErr := config.Load(d.dir)
	if confErr != nil {
		c = config.Default() // what is wrong with it is told by itself
	}
	need := uint64(c.ArenaSize())
	switch {
	case running && locked:
		d.ok("memory", "secrets are locked into memory")
	case running:
		d.warnOf("memory", "raise the limit of locked memory and start without --allow-swap", "secrets are not locked into memory and could be written to swap")
	case err != nil:
		d.warnOf("memory", "", "the limit of locked memory cannot be read: %s", err)
	case limit < need:
		d.fails("memory", "raise it: ulimit -l 65536, LimitMEMLOCK=64M in a unit, --ulimit memlock=67108864 for a container", "only %d KiB can be locked, %d are needed", limit>>10, need>>10)
	default:
		d.ok("memory", "secrets can be locked into memory")
	}
}

func (d *doctor) configuration() {
	if _, err := config.Load(d.dir); err != nil {
		d.fails("config", "mend it; nsecbunker config prints all settings", "%s", err)
		return
	}
	d.ok("config", "config.toml can be read, or is not there")
}

// bunker asks the running bunker how it does.
func (d *doctor) bunker(ctx context.Context) (statusView, bool) {
	var raw json.RawMessage
	var st statusView
	if err := d.call(ctx, "status", nil, &raw); err != nil {
		f := explain(err)
		d.code = f.code
		d.fails("bunker", f.hint, "%s", f.words)
		return st, false
	}
	var more struct {
		Warnings []string `json:"warnings"`
	}
	if err := errors.Join(json.Unmarshal(raw, &st), json.Unmarshal(raw, &more)); err != nil {
		d.fails("bunker", "restart it: it is of another version than this command", "its answer cannot be read: %s", err)
		return st, false
	}
	switch st.State {
	case stateNotSetUp:
		d.warnOf("bunker", "nsecbunker setup", "it runs, and is not set up")
	case stateSealed:
		d.warnOf("bunker", "nsecbunker unseal", "it runs sealed: nothing is signed")
	case stateUnsealed:
		d.ok("bunker", "it runs, unsealed, with %s", count(st.Keys.Unlocked, "key")+" ready")
	default:
		d.warnOf("bunker", "nsecbunker status", "it runs, %s", shown(st.State, 30))
	}
	for _, w := range more.Warnings {
		d.warnOf("bunker", "", "%s", w)
	}
	return st, true
}

// instance has the bunker check its store and log.
func (d *doctor) instance(ctx context.Context) {
	var r struct {
		Sound      bool       `json:"sound"`
		Damage     []string   `json:"damage"`
		Tampered   []string   `json:"tampered"`
		Unverified bool       `json:"unverified"`
		Audit      reportView `json:"audit"`
		Unattended []string   `json:"unattended"`
	}
	if err := d.call(ctx, "instance.check", nil, &r); err != nil {
		d.fails("store", explain(err).hint, "it cannot be checked: %s", explain(err).words)
		return
	}
	const restore = "stop the bunker, keep a copy of its folder, and restore a backup (nsecbunker backup restore)"
	for _, w := range r.Damage {
		d.fails("store", restore, "damaged: %s", w)
	}
	for _, w := range r.Tampered {
		d.fails("store", restore, "changed from outside: %s", w)
	}
	for _, w := range r.Audit.Faults {
		d.fails("log", restore, "%s", w)
	}
	switch {
	case r.Unverified:
		d.warnOf("store", "run this again after nsecbunker unseal", "sealed: whether rows were changed cannot be checked")
	case r.Sound:
		d.ok("store", "sound; the log is whole, %d records", r.Audit.Records)
	}
	if len(r.Unattended) > 0 {
		d.warnOf("slots", "meant so? else nsecbunker seal slot remove", "a copy of this machine opens the keys without a person: %s", names(r.Unattended))
	}
}

// stateEmbedded is the state of the relay that the bunker itself runs.
const stateEmbedded = "embedded"

// relays tests every relay, all at once, and the clock against theirs.
func (d *doctor) relays(ctx context.Context, st statusView) {
	urls := map[string]bool{} // true: our own, which carries nobody else's messages
	for _, u := range st.AppRelays {
		urls[u] = false
	}
	for _, r := range st.Relays {
		urls[r.URL] = r.State == stateEmbedded
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var offsets []time.Duration
	for u, own := range urls {
		wg.Go(func() {
			start := d.now()
			if own {
				if err := d.reach(ctx, u); err != nil {
					d.fails("relay", "check listen and public_url in config.toml, and the proxy before it", "%s, our own: %s", u, err)
					return
				}
				d.ok("relay", "%s, our own, answers (%d ms)", u, d.now().Sub(start).Milliseconds())
				return
			}
			if err := daemon.RoundTrip(ctx, u, d.now); err != nil {
				d.fails("relay", "use another, or run one: nsecbunker relay add URL, nsecbunker relay remove "+u, "%s: %s", u, relayWords(u, err))
				return
			}
			d.ok("relay", "%s carries messages both ways (%d ms)", u, d.now().Sub(start).Milliseconds())
			if off, ok := d.relayClock(ctx, u); ok && !loopback(u) {
				mu.Lock()
				offsets = append(offsets, off)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	d.clock(offsets)
}

// clock judges by the relay that agrees best: one relay's clock can be wrong.
func (d *doctor) clock(offsets []time.Duration) {
	if len(offsets) == 0 {
		d.ok("clock", "%s (no relay elsewhere to compare with)", d.now().Format(time.RFC3339))
		return
	}
	best := offsets[0]
	for _, o := range offsets {
		if o.Abs() < best.Abs() {
			best = o
		}
	}
	if best.Abs() > clockOff {
		d.fails("clock", "switch time synchronisation on, for example: timedatectl set-ntp true", "it is %s off, by the relays' clocks", best.Round(time.Second))
		return
	}
	d.ok("clock", "it agrees with the relays' clocks")
}

// loopback reports addresses of this machine.
func loopback(url string) bool {
	return strings.Contains(url, "://127.") || strings.Contains(url, "://localhost") || strings.Contains(url, "://[::1]")
}
