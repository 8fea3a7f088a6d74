package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
)

func approvalCommands(t *Table) {
	add(t, Command{
		Name: "approval.list", Summary: "Lists the questions that wait for a person, oldest first.",
		Role: bunker.Viewer, Doors: local(), Scope: lists(),
	}, t.approvalList)
	add(t, Command{
		Name: "approval.answer", Summary: "Answers a question: yes once, for this kind, for everything; no, or never.",
		Role: bunker.Approver, Doors: append(local(), bunker.DoorDM), Writes: true, Scope: ofQuestion(), Quorum: QuorumAsked,
	}, t.approvalAnswer)
	add(t, Command{
		Name: "approval.show", Summary: "Shows one question with everything that would be signed.",
		Role: bunker.Viewer, Doors: local(), Scope: ofQuestion(),
	}, t.approvalShow)
	add(t, Command{
		Name: "approval.answered", Summary: "Lists the questions that people answered, the latest answer first.",
		Role: bunker.Viewer, Doors: local(), Scope: lists(),
	}, t.approvalAnswered)
	add(t, Command{
		Name: "approval.batch", Summary: "Answers several questions together, such as those of one burst, each as it was shown.",
		Role: bunker.Approver, Doors: local(), Writes: true, Scope: lists(),
	}, t.approvalBatch)
}

type approvalListParams struct {
	Paging
	State string `json:"state,omitempty" doc:"pending (the default), approved, denied, expired, withdrawn, or any"`
}

type approvalListResult struct {
	Approvals []approvalView `json:"approvals"`
	Next      string         `json:"next,omitempty"`
}

func (t *Table) approvalList(ctx context.Context, c *Call, p approvalListParams) (approvalListResult, error) {
	res := approvalListResult{Approvals: []approvalView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	q := QuestionPage{State: bunker.ApprovalState(p.State), Limit: page.Limit}
	switch q.State {
	case "":
		q.State = bunker.ApprovalPending
	case "any":
		q.State = ""
	case bunker.ApprovalPending, bunker.ApprovalApproved, bunker.ApprovalDenied, bunker.ApprovalExpired, bunker.ApprovalWithdrawn:
	default:
		return res, bunker.Errorf(bunker.CodeInvalid, "state is pending, approved, denied, expired, withdrawn or any").In("state")
	}
	if q.AfterTime, q.After, err = placeOf(p.After); err != nil {
		return res, err
	}
	rows, err := t.Rows.Approvals(ctx, t.Tenant, q)
	if err != nil {
		return res, err
	}
	if res.Approvals, err = t.viewApprovals(ctx, c, rows, false); err != nil {
		return res, err
	}
	res.Next = next(rows, page, func(a *bunker.Approval) string { return fmt.Sprintf("%d-%s", a.CreatedAt, a.ID) })
	return res, nil
}

// placeOf reads where a list of questions goes on: a time and an id.
func placeOf(after string) (at int64, id bunker.ApprovalID, err error) {
	if after == "" {
		return 0, "", nil
	}
	text, rest, ok := strings.Cut(after, "-")
	if at, err = strconv.ParseInt(text, 10, 64); err != nil || !ok {
		return 0, "", bunker.Errorf(bunker.CodeInvalid, "after is not from an answer of this list").In("after")
	}
	return at, bunker.ApprovalID(rest), nil
}

func (t *Table) approvalAnswered(ctx context.Context, c *Call, p Paging) (approvalListResult, error) {
	res := approvalListResult{Approvals: []approvalView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	at, id, err := placeOf(p.After)
	if err != nil {
		return res, err
	}
	rows, err := t.Rows.AnsweredApprovals(ctx, t.Tenant, at, id, page.Limit)
	if err != nil {
		return res, err
	}
	if res.Approvals, err = t.viewApprovals(ctx, c, rows, false); err != nil {
		return res, err
	}
	res.Next = next(rows, page, func(a *bunker.Approval) string { return fmt.Sprintf("%d-%s", a.AnsweredAt, a.ID) })
	return res, nil
}

type approvalShowParams struct {
	ID string `json:"id"`
}

type approvalShowResult struct {
	Approval approvalView `json:"approval"`
}

func (t *Table) approvalShow(ctx context.Context, c *Call, p approvalShowParams) (approvalShowResult, error) {
	q, err := t.Rows.Approval(ctx, t.Tenant, bunker.ApprovalID(p.ID))
	if err != nil {
		return approvalShowResult{}, inID(err, "nsecbunker approvals")
	}
	views, err := t.viewApprovals(ctx, c, []bunker.Approval{*q}, true)
	if err != nil {
		return approvalShowResult{}, err
	}
	return approvalShowResult{views[0]}, nil
}
