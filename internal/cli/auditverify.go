package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"nsecbunker/internal/audit"
	"nsecbunker/nostr"
)

type reportView struct {
	Whole       bool     `json:"whole"`
	Records     int64    `json:"records"`
	Head        string   `json:"head"`
	UpTo        int64    `json:"up_to"`
	Checkpoints int      `json:"checkpoints"`
	Faults      []string `json:"faults,omitempty"`
	Unlisted    int      `json:"unlisted,omitempty"`
}

func (a *app) auditVerifyCmd() *cobra.Command {
	var file, key string
	var heldFiles []string
	cmd := &cobra.Command{
		Use: "verify", Short: "prove that no record is missing or was changed", Args: args(),
		Long: `Verifies the log: of the running bunker, or with --file an export, which needs no bunker.

--held names files with checkpoints that you kept (nsecbunker audit checkpoint); only they show a log that was rewritten as a whole.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			held, err := readCheckpoints(heldFiles)
			if err != nil {
				return err
			}
			if file != "" {
				return a.auditVerifyFile(file, key, held)
			}
			if key != "" {
				return usageOf(cmd, "--audit-key goes with --file")
			}
			var raw json.RawMessage
			texts := make([]string, 0, len(held))
			for _, h := range held {
				b, err := json.Marshal(h)
				if err != nil {
					return err
				}
				texts = append(texts, string(b))
			}
			if err := a.call(cmd.Context(), "audit.verify", map[string]any{"held": texts}, &raw); err != nil {
				return err
			}
			var r reportView
			if err := json.Unmarshal(raw, &r); err != nil {
				return unreadable(err)
			}
			return a.report(&r)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "an export (JSON lines) instead of the running bunker's log; - is stdin")
	cmd.Flags().StringVar(&key, "audit-key", "", "with --file: the `pubkey` that must have signed its checkpoints")
	cmd.Flags().StringArrayVar(&heldFiles, "held", nil, "`file` with checkpoints that you kept, one a line (repeatable)")
	return cmd
}

// readCheckpoints reads kept checkpoints, one a line.
func readCheckpoints(files []string) ([]audit.Signed, error) {
	var out []audit.Signed
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fail("%w", err)
		}
		for i, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
			var s audit.Signed
			if err := json.Unmarshal(line, &s); err != nil {
				return nil, fail("%s, line %d, is no checkpoint: %w", path, i+1, err)
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func (a *app) auditVerifyFile(file, key string, held []audit.Signed) error {
	var trusted nostr.PubKey
	if key != "" {
		var err error
		if trusted, err = publicKey("--audit-key", key); err != nil {
			return err
		}
	}
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fail("%w", err)
		}
		defer f.Close()
		in = f
	}
	rep, err := audit.VerifyExport(in, trusted, held)
	if err != nil {
		return err
	}
	v := reportView{
		Whole: rep.Whole(), Records: rep.Records, Head: hex.EncodeToString(rep.Head[:]), UpTo: rep.UpTo,
		Checkpoints: rep.Checkpoints, Unlisted: rep.Unlisted,
	}
	for _, f := range rep.Faults {
		v.Faults = append(v.Faults, f.Error())
	}
	return a.report(&v)
}

// report prints what a verification found; what is not whole is a failure.
func (a *app) report(r *reportView) error {
	if a.asJSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Faults {
			if err := a.line("fault: " + shown(f, 500)); err != nil {
				return err
			}
		}
		if r.Whole {
			upTo := "no checkpoint proves it yet"
			if r.UpTo > 0 {
				upTo = fmt.Sprintf("%s prove it up to record %d", count(r.Checkpoints, "checkpoint"), r.UpTo)
			}
			if err := a.line(fmt.Sprintf("whole: %d records; %s", r.Records, upTo)); err != nil {
				return err
			}
		}
	}
	if !r.Whole {
		return fail("the log is not whole: %d faults", len(r.Faults)+r.Unlisted).withHint("keep a copy of it and of your backups before anything else")
	}
	return nil
}
