package bunker

// AuditRecord is who, what, on which key, decided how and why, when. It holds
// features, never content. The store numbers it and chains it.
type AuditRecord struct {
	Seq         int64  `json:"seq"`
	Time        int64  `json:"time"` // ledger time, unix ms
	Tenant      string `json:"tenant"`
	Incarnation string `json:"incarnation"`

	Principal string `json:"principal"` // "local", "system", an npub, "client <hex>"
	Door      string `json:"door,omitempty"`
	Action    string `json:"action"`         // "sign_event", "connect", "key.add", …
	Step      string `json:"step,omitempty"` // "ask", "final", "auth_url"
	Event     string `json:"event,omitempty"`

	Key        string `json:"key,omitempty"`        // user key's pubkey, hex
	Connection string `json:"connection,omitempty"` // id
	Person     string `json:"person,omitempty"`     // whom the connection is for: a keyed digest of the name
	Object     string `json:"object,omitempty"`     // id of what an admin's command changed

	Effect string `json:"effect,omitempty"` // allow, ask, deny
	Rule   string `json:"rule,omitempty"`   // what decided: "policy newsroom/notes@3", "grant g…", "default", "care:…", "approval …"
	Reason string `json:"reason,omitempty"` // one sentence
	Needed string `json:"needed,omitempty"` // what would have allowed it, one sentence; of refusals and questions

	Kind     *int64   `json:"kind,omitempty"`
	Size     int64    `json:"size,omitempty"`
	Peer     string   `json:"peer,omitempty"`
	Tags     []string `json:"tags,omitempty"`   // tag names with counts, "p:2"
	Skew     *int64   `json:"skew,omitempty"`   // of sign_event: created_at less the ledger's time, seconds
	Result   string   `json:"result,omitempty"` // what a decryption brought to light, where rules hung on it
	Relay    string   `json:"relay,omitempty"`  // that brought the request; "embedded" for the bunker's own
	Digest   string   `json:"digest,omitempty"` // keyed digest of the operation
	SignedID string   `json:"signed,omitempty"` // id of the event that was signed
	Count    int64    `json:"count,omitempty"`  // of a counted record (floods)
}
