package admin

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// enough reports whether a yes counts now: one person suffices, or with this one
// there are as many as the rules want that the question is about. A no needs nobody
// else.
func (t *Table) enough(c *Call, tx Tx, shown shownQuestion, a *answer) (bool, error) {
	if a.Deny {
		return true, nil
	}
	q, err := tx.Approval(bunker.ApprovalID(shown.ID))
	if err != nil {
		return false, inID(err, "nsecbunker approvals")
	}
	need, err := quorumOf(tx, q)
	if err != nil || need <= 1 || q.State != bunker.ApprovalPending {
		return err == nil, err // one that is answered already is told so by whoever answers it
	}
	if _, err := t.seen(q, shown.Digest, false); err != nil {
		return false, err
	}
	canonical, err := a.canonical(tx, q)
	if err != nil {
		return false, err
	}
	return c.vote(q, canonical, need)
}

// canonical is an answer in its one spelling, as parameters of the command: two people
// who mean the same say yes to the same thing, however each of them wrote it.
func (a *answer) canonical(tx Tx, q *bunker.Approval) ([]byte, error) {
	p := approvalAnswerParams{ID: string(q.ID), Digest: digestText(q.OpDigest), answerParams: answerParams{
		Scope: string(a.Scope), For: Span(a.For), Until: Time(a.Until), Uses: a.Uses, Name: a.name,
	}}
	if a.perms != "" {
		list := strings.Split(a.perms, ",")
		slices.Sort(list)
		p.Perms = strings.Join(slices.Compact(list), ",")
	}
	if a.policy != "" {
		under, err := livePolicy(tx, a.policy)
		if err != nil {
			return nil, err
		}
		p.Policy = string(under.ID)
	}
	return json.Marshal(p)
}

// alone refuses a question in a batch that several persons must answer: each of them
// answers what he saw, one by one.
func alone(tx Tx, q *bunker.Approval) error {
	need, err := quorumOf(tx, q)
	if err == nil && need > 1 {
		err = bunker.Errorf(bunker.CodeConflict, "the question %s needs the yes of %d persons, so it is answered by itself", q.ID, need).
			In("questions").WithHint("nsecbunker approve %s", q.ID)
	}
	return err
}

// quorumOf is how many persons must say yes to a question: the most that a rule wants
// which the answer would answer. A rule that was edited since is asked anew anyway.
func quorumOf(tx Tx, q *bunker.Approval) (need int, err error) {
	for _, part := range strings.Split(q.Answers, ",") {
		ref, ok := strings.CutPrefix(part, policy.AnswersRule)
		if !ok {
			continue
		}
		ref, version, _ := strings.Cut(ref, "@")
		id, rule, _ := strings.Cut(ref, "/")
		p, err := tx.Policy(id)
		if err != nil {
			if isNotFound(err) {
				continue
			}
			return 0, err
		}
		if strconv.FormatInt(p.Version, 10) != version {
			continue
		}
		for i := range p.Rules {
			if p.Rules[i].ID == rule {
				need = max(need, p.Rules[i].Quorum)
			}
		}
	}
	return need, nil
}
