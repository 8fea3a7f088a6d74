package admin

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
)

type approvalBatchParams struct {
	Questions []shownQuestion `json:"questions" doc:"each with the digest that was shown with it"`
	answerParams
}

type approvalBatchResult struct {
	State    string      `json:"state" doc:"approved or denied"`
	Answered int         `json:"answered" doc:"how many questions were answered"`
	Grants   []grantView `json:"grants,omitempty"`
	Warnings []string    `json:"warnings,omitempty"`
}

// approvalBatch answers all of the questions or none: each as it was shown, each
// with its own record.
func (t *Table) approvalBatch(ctx context.Context, c *Call, p approvalBatchParams) (approvalBatchResult, error) {
	var res approvalBatchResult
	if len(p.Questions) == 0 || len(p.Questions) > MaxBatch {
		return res, bunker.Errorf(bunker.CodeInvalid, "1 to %d questions are answered together", MaxBatch).In("questions")
	}
	a, err := readAnswer(c, p.answerParams)
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Object: clip(p.Questions[0].ID), Reason: fmt.Sprintf("%s: %d questions together", a.State(), len(p.Questions))}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		for _, shown := range p.Questions {
			one := bunker.AuditRecord{
				Principal: c.Principal.Name, Door: string(c.Principal.Door), Action: "approval.answer", Step: "admin", Effect: bunker.Allow.String(),
				Object: clip(shown.ID),
			}
			if q, err := tx.Approval(bunker.ApprovalID(shown.ID)); err == nil && !a.Deny {
				if err := alone(tx, q); err != nil {
					return err
				}
			}
			if _, err := t.answerOne(tx, shown, a, &one); err != nil {
				return err
			}
			if err := tx.Audit(one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	t.answered(a)
	res.State, res.Answered, res.Warnings = string(a.State()), len(p.Questions), a.warnings
	for _, g := range a.given {
		var v *grantView
		v, res.Warnings = viewGiven(g, a.policies(), c.Now, res.Warnings)
		res.Grants = append(res.Grants, *v)
	}
	return res, nil
}
