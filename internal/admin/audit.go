package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// MaxAuditPage is how many bytes of canonical lines one page of an export holds,
// about: the socket's lines are bounded.
const MaxAuditPage = 512 << 10

// MaxHeldCheckpoints is how many checkpoints a caller can hold against the chain.
const MaxHeldCheckpoints = MaxItems

func auditCommands(t *Table) {
	add(t, Command{
		Name: "audit.list", Summary: "Lists audit records, newest first, with filters.",
		Role: bunker.Viewer, Doors: local(), Scope: lists(),
	}, t.auditList)
	add(t, Command{
		Name: "audit.export", Summary: "Returns the chain page by page: its lines as stored, to be verified anywhere.",
		Role: bunker.Viewer, Doors: local(),
	}, t.auditExport)
	add(t, Command{
		Name: "audit.verify", Summary: "Verifies the whole chain against its checkpoints, and against those that you hold.",
		Role: bunker.Viewer, Doors: local(),
	}, t.auditVerify)
	add(t, Command{
		Name: "audit.checkpoint", Summary: "Signs the head of the chain now, and returns the signed checkpoint to be kept elsewhere.",
		Role: bunker.Viewer, Doors: system(),
	}, t.auditCheckpoint)
}

type auditListParams struct {
	Paging
	auditFilter
}

// auditFilter says which records are meant.
type auditFilter struct {
	Since      Time   `json:"since,omitzero"`
	Until      Time   `json:"until,omitzero" doc:"exclusive"`
	Key        string `json:"key,omitempty" doc:"name or id of a key, or a pubkey"`
	Connection string `json:"connection,omitempty" doc:"id, or name when no other connection has it"`
	Client     string `json:"client,omitempty" doc:"npub or pubkey of an app"`
	Principal  string `json:"principal,omitempty" doc:"local, system, an npub, …"`
	Person     string `json:"person,omitempty" doc:"whom the connection is for: the name"`
	Action     string `json:"action,omitempty" doc:"sign_event, key.add, …"`
	Effect     string `json:"effect,omitempty" doc:"allow, ask or deny"`
}

type auditListResult struct {
	Records []bunker.AuditRecord `json:"records"`
	Next    string               `json:"next,omitempty"`
}

func (t *Table) auditList(ctx context.Context, _ *Call, p auditListParams) (auditListResult, error) {
	res := auditListResult{Records: []bunker.AuditRecord{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	f, err := t.recordFilter(ctx, &p.auditFilter)
	if err != nil {
		return res, err
	}
	f.Limit = page.Limit
	if f.Before, err = seq("after", p.After); err != nil {
		return res, err
	}
	recs, err := t.Rows.Records(ctx, t.Tenant, f)
	if err != nil {
		return res, err
	}
	if err := t.namePersons(ctx, recs); err != nil {
		return res, err
	}
	res.Records = append(res.Records, recs...)
	res.Next = next(recs, page, func(r *bunker.AuditRecord) string { return strconv.FormatInt(r.Seq, 10) })
	return res, nil
}

// recordFilter is the filter as the store knows it.
func (t *Table) recordFilter(ctx context.Context, p *auditFilter) (f RecordFilter, err error) {
	f = RecordFilter{Since: int64(p.Since), Until: int64(p.Until), Principal: p.Principal, Action: p.Action, Effect: p.Effect}
	if p.Effect != "" {
		if _, err := bunker.ParseEffect(p.Effect); err != nil {
			return f, bunker.Errorf(bunker.CodeInvalid, "effect is allow, ask or deny").In("effect")
		}
	}
	if p.Client != "" {
		pub, err := npub("client", p.Client)
		if err != nil {
			return f, err
		}
		if p.Principal != "" {
			return f, bunker.Errorf(bunker.CodeInvalid, "client and principal filter by the same; give one").In("client")
		}
		f.Principal = "client " + pub.String()
	}
	if p.Connection != "" {
		if f.Connection, err = t.connectionID(ctx, p.Connection); err != nil {
			return f, bunker.AsError(err).In("connection")
		}
	}
	if p.Key != "" {
		if f.Key, err = t.auditKey(ctx, p.Key); err != nil {
			return f, err
		}
	}
	f.Person = t.Vault.PersonTag(t.Tenant, p.Person)
	return f, nil
}

// auditKey is the pubkey that records name: of a key that is here, or of one that
// was.
func (t *Table) auditKey(ctx context.Context, s string) (nostr.PubKey, error) {
	k, err := t.key(ctx, s)
	switch {
	case err == nil:
		return k.PubKey, nil
	case !isNotFound(err):
		return nostr.PubKey{}, err
	}
	pub, bad := npub("key", s)
	if bad != nil {
		return pub, err // neither: the better words are those about the name
	}
	return pub, nil
}

func seq(field, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, bunker.Errorf(bunker.CodeInvalid, "%s is a record's number", field).In(field)
	}
	return n, nil
}

type auditExportParams struct {
	After string `json:"after,omitempty" doc:"where to go on: the next of the answer before"`
}

type auditExportResult struct {
	Lines []string `json:"lines" doc:"lines of the export, each as it is to be written: a header first, records, checkpoints after theirs"`
	Next  string   `json:"next,omitempty"`
}

func (t *Table) auditExport(ctx context.Context, _ *Call, p auditExportParams) (auditExportResult, error) {
	res := auditExportResult{Lines: []string{}}
	after, err := seq("after", p.After)
	if err != nil {
		return res, err
	}
	size := 0
	put := func(b []byte, err error) error {
		res.Lines = append(res.Lines, trimLine(b))
		size += len(b)
		return err
	}
	if p.After == "" {
		if err := t.auditHeader(ctx, put); err != nil {
			return res, err
		}
	}
	for size < MaxAuditPage {
		lines, cps, err := t.auditPart(ctx, after)
		if err != nil {
			return res, err
		}
		for _, l := range lines {
			after++
			if err := put(audit.AppendLine(nil, l), nil); err != nil {
				return res, err
			}
			if s, ok := cps[after]; ok {
				if err := put(audit.AppendCheckpoint(nil, s)); err != nil {
					return res, err
				}
			}
		}
		if len(lines) < MaxPage {
			return res, nil
		}
	}
	res.Next = strconv.FormatInt(after, 10)
	return res, nil
}

// auditPart reads some lines with the checkpoints of their records.
func (t *Table) auditPart(ctx context.Context, after int64) ([]audit.Line, map[int64]audit.Signed, error) {
	lines, err := t.Rows.AuditLines(ctx, t.Tenant, after, MaxPage)
	if err != nil || len(lines) == 0 {
		return nil, nil, err
	}
	list, err := t.Rows.Checkpoints(ctx, t.Tenant, after, len(lines))
	cps := map[int64]audit.Signed{}
	for _, s := range list {
		cps[s.Seq] = s
	}
	return lines, cps, err
}

func (t *Table) auditHeader(ctx context.Context, put func([]byte, error) error) error {
	key, err := t.auditPubKey(ctx)
	if err != nil {
		return err
	}
	return put(audit.AppendHeader(nil, string(t.Tenant), key))
}

// auditPubKey is the one audit key; zero where there were several.
func (t *Table) auditPubKey(ctx context.Context) (nostr.PubKey, error) {
	keys, err := t.Rows.ServiceKeys(ctx, t.Tenant, bunker.RoleAudit)
	if err != nil || len(keys) != 1 {
		return nostr.PubKey{}, err
	}
	return keys[0].PubKey, nil
}

func trimLine(b []byte) string {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	return string(b)
}

type auditVerifyParams struct {
	Held []string `json:"held,omitempty" doc:"signed checkpoints that you kept, as JSON, one a text"`
}

type auditVerifyResult struct {
	Whole       bool     `json:"whole"`
	Records     int64    `json:"records"`
	Head        string   `json:"head"`
	UpTo        int64    `json:"up_to" doc:"the chain agrees with checkpoints up to this record"`
	Checkpoints int      `json:"checkpoints" doc:"that agree"`
	Faults      []string `json:"faults,omitempty"`
	Unlisted    int      `json:"unlisted,omitempty" doc:"further faults"`
}

func (t *Table) auditVerify(ctx context.Context, _ *Call, p auditVerifyParams) (auditVerifyResult, error) {
	var res auditVerifyResult
	held := make([]audit.Signed, 0, len(p.Held))
	for _, s := range p.Held {
		var h audit.Signed
		if err := json.Unmarshal([]byte(s), &h); err != nil {
			return res, bunker.Errorf(bunker.CodeInvalid, "a held checkpoint cannot be read: %s", clip(err.Error())).In("held")
		}
		held = append(held, h)
	}
	key, err := t.auditPubKey(ctx)
	if err != nil {
		return res, err
	}
	rep, err := t.Rows.VerifyAudit(ctx, t.Tenant, key, held)
	if err != nil {
		return res, err
	}
	return viewReport(rep), nil
}

func viewReport(rep audit.Report) auditVerifyResult {
	res := auditVerifyResult{
		Whole: rep.Whole(), Records: rep.Records, Head: hex.EncodeToString(rep.Head[:]), UpTo: rep.UpTo,
		Checkpoints: rep.Checkpoints, Unlisted: rep.Unlisted,
	}
	for _, f := range rep.Faults {
		res.Faults = append(res.Faults, f.Error())
	}
	return res
}

type auditCheckpointResult struct {
	Checkpoint string `json:"checkpoint,omitempty" doc:"signed, as JSON; keep it where the bunker cannot reach it"`
}

// auditCheckpoint signs what is new, and returns the newest checkpoint. It changes
// nothing that a record would be about: the checkpoint is about the records.
func (t *Table) auditCheckpoint(ctx context.Context, _ *Call, _ Empty) (auditCheckpointResult, error) {
	if err := t.checkpoint(ctx); err != nil {
		return auditCheckpointResult{}, err
	}
	s, err := t.Rows.LastCheckpoint(ctx, t.Tenant)
	if err != nil || s == nil {
		return auditCheckpointResult{}, err
	}
	b, err := json.Marshal(s)
	return auditCheckpointResult{string(b)}, err
}

// checkpoint signs the chain's head, unless the last checkpoint is of it.
func (t *Table) checkpoint(ctx context.Context) error {
	c, ok, err := t.Rows.NextCheckpoint(ctx, t.Tenant)
	if err != nil || !ok {
		return err
	}
	pub, sig, err := t.Vault.SignCheckpoint(t.Tenant, c.Digest())
	if err != nil {
		return err
	}
	return t.Rows.AddCheckpoint(ctx, audit.Signed{Checkpoint: c, Key: pub, Sig: sig})
}
