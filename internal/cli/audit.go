package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// auditShown is how many records `audit list` shows unless told otherwise.
const auditShown = 50

func (a *app) auditCmd() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "read, verify and export the log of what was done"}
	c.AddCommand(a.auditListCmd(), a.auditVerifyCmd(), a.auditExportCmd(), a.auditCheckpointCmd(), a.auditForgetCmd())
	return c
}

func (a *app) auditListCmd() *cobra.Command {
	filters := map[string]*string{}
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "list records, newest first", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.auditFilter(filters)
			if err != nil {
				return err
			}
			return a.auditList(cmd.Context(), p, limit)
		},
	}
	a.filterFlags(cmd, filters)
	cmd.Flags().IntVar(&limit, "limit", auditShown, "how many at most")
	return cmd
}

// filterFlags are the filters of records.
func (a *app) filterFlags(cmd *cobra.Command, into map[string]*string) {
	for _, f := range [][2]string{
		{"since", "from this `time` on: 2026-11-22, 2026-11-22T18:00:00Z, or 24h for the last day"},
		{"until", "before this `time`"}, {"key", "of this `key` (name, id or pubkey)"}, {"connection", "of this `connection` (name or id)"},
		{"client", "of this app (`npub` or pubkey)"}, {"principal", "by this `principal`: local, system, an npub"},
		{"person", "of a connection that is for this `person`"}, {"action", "this `action`: sign_event, key.add, …"}, {"effect", "allow, ask or deny"},
	} {
		into[f[0]] = cmd.Flags().String(f[0], "", f[1])
	}
	a.completeFlag(cmd, "key", a.completeKeys)
	a.completeFlag(cmd, "connection", a.completeConnections)
}

func (a *app) auditFilter(flags map[string]*string) (map[string]any, error) {
	p := map[string]any{}
	for k, v := range flags {
		if *v == "" {
			continue
		}
		p[k] = *v
		if k == "since" || k == "until" {
			t, err := a.parseTime(*v)
			if err != nil {
				return nil, usage("--%s: %s", k, err)
			}
			p[k] = t.UTC().Format(time.RFC3339)
		}
	}
	return p, nil
}

// parseTime reads a date, a time of RFC 3339, or a duration back from now.
func (a *app) parseTime(s string) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return a.now().Add(-d.Abs()), nil
	}
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if days, err := strconv.ParseUint(n, 10, 16); err == nil {
			return a.now().AddDate(0, 0, -int(days)), nil
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is no time; write 2026-11-22, 2026-11-22T18:00:00Z, 24h or 7d", shown(s, 60))
	}
	return t, nil
}

func (a *app) auditList(ctx context.Context, p map[string]any, limit int) error {
	if limit < 1 {
		return usage("--limit is at least 1")
	}
	rows, err := a.pages(ctx, "audit.list", "records", p, limit)
	if err != nil {
		return err
	}
	if a.asJSON {
		if err := datedRecords(rows); err != nil {
			return err
		}
		return a.rows(rows)
	}
	if len(rows) == 0 {
		a.say("No record matches. All of them, without flags: nsecbunker audit")
		return nil
	}
	var out [][]string
	for _, raw := range rows {
		var r bunker.AuditRecord
		if err := json.Unmarshal(raw, &r); err != nil {
			return unreadable(err)
		}
		out = append(out, []string{
			strconv.FormatInt(r.Seq, 10), time.UnixMilli(r.Time).Local().Format("2006-01-02 15:04:05"),
			whoFor(&r), action(&r), orDash(shown(r.Effect, 10)), orDash(shown(r.Rule, 40)), orDash(shown(r.Reason, 80)),
		})
	}
	return a.table([]string{"NO", "TIME", "WHO", "WHAT", "EFFECT", "RULE", "REASON"}, out)
}

// datedRecords gives the times of records the form that times have in every list. In the log
// itself, and so in its exports, they are milliseconds.
func datedRecords(rows []json.RawMessage) error {
	for i, raw := range rows {
		var fields map[string]json.RawMessage
		var ms int64
		if err := json.Unmarshal(raw, &fields); err != nil {
			return unreadable(err)
		}
		if err := json.Unmarshal(fields["time"], &ms); err != nil {
			return unreadable(err)
		}
		fields["time"] = json.RawMessage(strconv.Quote(time.UnixMilli(ms).UTC().Format(stampForm)))
		b, err := json.Marshal(fields)
		if err != nil {
			return unreadable(err)
		}
		rows[i] = b
	}
	return nil
}

// whoFor is who did it, and for whom the connection is.
func whoFor(r *bunker.AuditRecord) string {
	if r.Person == "" {
		return who(r.Principal)
	}
	return who(r.Principal) + " for " + name(r.Person)
}

// who shortens the public key in a principal's name.
func who(principal string) string {
	if hexKey, ok := strings.CutPrefix(principal, "client "); ok {
		if p, err := nostr.ParsePubKey(hexKey); err == nil {
			return "app " + short(nip19.EncodeNpub(p))
		}
	}
	if strings.HasPrefix(principal, "npub1") {
		return short(principal)
	}
	return orDash(shown(principal, 40))
}

// action is what was done, with its kind.
func action(r *bunker.AuditRecord) string {
	text := shown(r.Action, 40)
	if r.Kind != nil && *r.Kind >= 0 {
		text += fmt.Sprintf(" kind %d", *r.Kind)
	}
	if r.Count > 1 {
		text += fmt.Sprintf(" ×%d", r.Count)
	}
	return text
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (a *app) auditCheckpointCmd() *cobra.Command {
	return &cobra.Command{
		Use: "checkpoint", Short: "sign the head of the log now, to keep it where the bunker cannot reach it", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			type answer struct {
				Checkpoint string `json:"checkpoint"`
			}
			return show(cmd.Context(), a, "audit.checkpoint", nil, func(r answer) error {
				if r.Checkpoint == "" {
					return fail("there is nothing to sign yet")
				}
				a.say("Keep this elsewhere; verify against it with: nsecbunker audit verify --held FILE")
				return a.line(r.Checkpoint)
			})
		},
	}
}

func (a *app) auditExportCmd() *cobra.Command {
	filters := map[string]*string{}
	var format, out string
	cmd := &cobra.Command{
		Use: "export", Short: "export the log as JSON lines, to be verified anywhere, or as CSV", Args: args(),
		Long: `Exports the log.

As JSON lines it is whole, with its signed checkpoints, and can be verified without the bunker (nsecbunker audit verify --file,
or any program that follows docs/). As CSV it is for spreadsheets, and takes filters.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.auditFilter(filters)
			if err != nil {
				return err
			}
			if format != "jsonl" && format != "csv" {
				return usage("--format is jsonl or csv")
			}
			if format == "jsonl" && len(p) > 0 {
				return usage("JSON lines hold the whole chain, or it could not be verified; filters go with --format csv")
			}
			return a.toFile(out, func(w io.Writer) error {
				if format == "csv" {
					return a.auditCSV(cmd.Context(), w, p)
				}
				return a.auditLines(cmd.Context(), w)
			})
		},
	}
	a.filterFlags(cmd, filters)
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	cmd.Flags().StringVarP(&out, "output", "o", "", "new `file` to write to, mode 0600 (default: stdout)")
	return cmd
}

// toFile runs write on a new file that appears whole or not at all, or on stdout.
func (a *app) toFile(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(a.Out)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail("%w", err).withHint("name a file that does not exist")
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
		return err
	}
	a.say("Written: %s", path)
	return nil
}

// auditLines writes the chain as it is stored.
func (a *app) auditLines(ctx context.Context, w io.Writer) error {
	c, err := a.dial(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	p := map[string]any{}
	for {
		var page struct {
			Lines []string `json:"lines"`
			Next  string   `json:"next"`
		}
		if err := a.callOn(ctx, c, "audit.export", p, &page); err != nil {
			return err
		}
		var b bytes.Buffer
		for _, l := range page.Lines {
			b.WriteString(l)
			b.WriteByte('\n')
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return fail("writing the export: %w", err)
		}
		if page.Next == "" {
			return nil
		}
		p["after"] = page.Next
	}
}

func (a *app) auditCSV(ctx context.Context, w io.Writer, p map[string]any) error {
	rows, err := a.pages(ctx, "audit.list", "records", p, maxRows)
	if err != nil {
		return err
	}
	out, err := audit.NewCSV(w)
	if err != nil {
		return err
	}
	for i := len(rows) - 1; i >= 0; i-- { // oldest first, as a log reads
		var r bunker.AuditRecord
		if err := json.Unmarshal(rows[i], &r); err != nil {
			return unreadable(err)
		}
		if err := out.Write(&r); err != nil {
			return fail("writing the export: %w", err)
		}
	}
	if len(rows) == maxRows {
		a.say("warning: only the newest %d records are in it; use --since and --until for the others", maxRows)
	}
	return out.Flush()
}
