package admin

import (
	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
)

// onlyOnce holds answers by direct message to what security.md section 5 lets
// them: deny, or allow once, exactly what was asked.
func onlyOnce(c *Call, p approvalAnswerParams) error {
	if c.Principal.Door != bunker.DoorDM {
		return nil
	}
	rest := p.answerParams
	if rest.Deny = false; rest.Scope == string(approval.Once) {
		rest.Scope = ""
	}
	if p.Digest == "" || rest != (answerParams{}) {
		return bunker.Errorf(bunker.CodeRestricted, "a direct message can refuse, or allow once; for more, answer in the terminal").WithHint("nsecbunker approvals")
	}
	return nil
}

// noLoginByDM refuses to let a new app in by direct message: a connection lasts.
func noLoginByDM(c *Call, login, deny bool) error {
	if c.Principal.Door == bunker.DoorDM && login && !deny {
		return bunker.Errorf(bunker.CodeRestricted, "a new app cannot be let in by direct message, only refused; answer in the terminal").WithHint("nsecbunker approvals")
	}
	return nil
}
