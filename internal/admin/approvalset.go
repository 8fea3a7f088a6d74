package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
)

func approvalSetCommands(t *Table) {
	add(t, Command{
		Name: "approval.settings", Summary: "Shows how long apps wait for an answer, and how long questions stay open.",
		Role: bunker.Viewer, Doors: local(),
	}, t.approvalSettings)
	add(t, Command{
		Name: "approval.set", Summary: "Sets how long apps wait for an answer, and how long questions stay open: for all keys, or for one.",
		Role: bunker.Operator, Doors: local(), Writes: true,
	}, t.approvalSet)
}

type approvalSettingsResult struct {
	Reply    Span             `json:"reply" doc:"how long an app waits for its answer"`
	Question Span             `json:"question" doc:"how long a question can be answered"`
	Keys     []deadlinesView  `json:"keys,omitempty" doc:"keys with times of their own"`
	Expected []expectedWindow `json:"expected,omitempty" doc:"where logins of unknown apps are expected now"`
}

type deadlinesView struct {
	Key      string `json:"key" doc:"id"`
	Name     string `json:"name"`
	Reply    Span   `json:"reply"`
	Question Span   `json:"question"`
}

type expectedWindow struct {
	Key   string `json:"key,omitempty" doc:"name; every key without it"`
	Until Time   `json:"until"`
}

func (t *Table) approvalSettings(ctx context.Context, c *Call, _ Empty) (approvalSettingsResult, error) {
	var res approvalSettingsResult
	text, err := t.Rows.Setting(ctx, t.Tenant, approval.SettingsName)
	if err != nil {
		return res, err
	}
	s, err := approval.ParseSettings(text)
	if err != nil {
		return res, err
	}
	expected, err := t.expected(ctx)
	if err != nil {
		return res, err
	}
	all := s.Of("")
	res.Reply, res.Question = Span(all.Reply), Span(all.Question)
	for id := range s.Keys {
		d := s.Of(id)
		res.Keys = append(res.Keys, deadlinesView{string(id), t.keyName(ctx, id), Span(d.Reply), Span(d.Question)})
	}
	slices.SortFunc(res.Keys, func(a, b deadlinesView) int { return cmp.Compare(a.Name, b.Name) })
	for id, until := range expected {
		if until > c.Now.UnixMilli() {
			res.Expected = append(res.Expected, expectedWindow{t.keyName(ctx, id), Time(until)})
		}
	}
	slices.SortFunc(res.Expected, func(a, b expectedWindow) int { return cmp.Compare(a.Key, b.Key) })
	return res, nil
}

// keyName is a key's name, its id where it has none any more, "" for "".
func (t *Table) keyName(ctx context.Context, id bunker.KeyID) string {
	if id == "" {
		return ""
	}
	k, err := t.Rows.Key(ctx, t.Tenant, string(id))
	if err != nil {
		return string(id)
	}
	return k.Name
}

type approvalSetParams struct {
	Key      string `json:"key,omitempty" doc:"for this key only: name or id"`
	Reply    Span   `json:"reply,omitzero" doc:"how long an app waits for its answer: 5s to 60s"`
	Question Span   `json:"question,omitzero" doc:"how long a question can be answered: 1m to 30d; those about credentials always 60s"`
	Reset    bool   `json:"reset,omitempty" doc:"back to what holds for all keys, or to the built-in times"`
}

func (t *Table) approvalSet(ctx context.Context, c *Call, p approvalSetParams) (approvalSettingsResult, error) {
	d := approval.Deadlines{Reply: time.Duration(p.Reply), Question: time.Duration(p.Question)}
	switch {
	case p.Reset == (d != approval.Deadlines{}):
		return approvalSettingsResult{}, bunker.Errorf(bunker.CodeInvalid, "give reply, question or both, or reset alone").In("reply")
	case d.Reply != 0 && (d.Reply < approval.MinReply || d.Reply > approval.MaxReply):
		return approvalSettingsResult{}, bunker.Errorf(bunker.CodeInvalid, "an app waits for %s to %s", approval.MinReply, approval.MaxReply).In("reply")
	case d.Question != 0 && (d.Question < approval.MinQuestion || d.Question > approval.MaxQuestion):
		return approvalSettingsResult{}, bunker.Errorf(bunker.CodeInvalid, "a question stays open for 1 minute to 30 days").In("question")
	}
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		var of bunker.KeyID
		name := "all keys"
		if p.Key != "" {
			k, err := tx.Key(p.Key)
			if err != nil {
				return inKey(err)
			}
			of, name, rec.Key = k.ID, "key "+k.Name, k.PubKey.String()
		}
		text, err := tx.Setting(approval.SettingsName)
		if err != nil {
			return err
		}
		s, err := approval.ParseSettings(text)
		if err != nil {
			return err
		}
		if err := change(&s, of, d, p.Reset); err != nil {
			return err
		}
		now := s.Of(of)
		rec.Reason = fmt.Sprintf("%s: apps wait for %s, questions stay open for %s", name, now.Reply, now.Question)
		return tx.PutSetting(approval.SettingsName, s.Text())
	})
	if err != nil {
		return approvalSettingsResult{}, err
	}
	return t.approvalSettings(ctx, c, Empty{})
}

// change puts deadlines into the settings: what is not given stays as it is.
func change(s *approval.Settings, of bunker.KeyID, d approval.Deadlines, reset bool) error {
	if of == "" {
		if s.Deadlines = merged(s.Deadlines, d); reset {
			s.Deadlines = approval.Deadlines{}
		}
		return nil
	}
	if reset {
		delete(s.Keys, of)
		return nil
	}
	if s.Keys == nil {
		s.Keys = map[bunker.KeyID]approval.Deadlines{}
	}
	if _, own := s.Keys[of]; !own && len(s.Keys) >= approval.MaxOwnDeadlines {
		return bunker.Errorf(bunker.CodeConflict, "%d keys have times of their own already; reset one of them first", approval.MaxOwnDeadlines).In("key").
			WithHint("nsecbunker approvals settings")
	}
	s.Keys[of] = merged(s.Keys[of], d)
	return nil
}

func merged(old, d approval.Deadlines) approval.Deadlines {
	return approval.Deadlines{Reply: cmp.Or(d.Reply, old.Reply), Question: cmp.Or(d.Question, old.Question)}
}
