package bunker

// RequestState is the state of a request's row. Nothing durable precedes the
// first row: a request that is being judged has none.
type RequestState string

// The states of a request (ledger.md; docs/model/states.tsv is this table).
const (
	RequestNone          RequestState = ""
	RequestParked        RequestState = "parked"
	RequestReady         RequestState = "ready"
	RequestDelivered     RequestState = "delivered"
	RequestUndeliverable RequestState = "undeliverable"
	RequestPruned        RequestState = "pruned" // the row is gone
)

// Transition is one line of the ledger's state table.
type Transition struct {
	From, To string
	Who      string
}

// Transitions is the whole table: what is not in it does not happen. A test
// holds it against docs/model/states.tsv, and the store refuses the rest.
var transitions = [...]Transition{
	{"-", "ready", "any instance"},
	{"-", "parked", "any instance"},
	{"pending", "approved", "admin"},
	{"pending", "denied", "admin"},
	{"pending", "expired", "sweep"},
	{"pending", "withdrawn", "revoke, logout, delete, panic"},
	{"parked", "ready", "any replayer"},
	{"ready", "delivered", "publisher"},
	{"ready", "undeliverable", "sweep"},
	{"undeliverable", "ready", "the same event again, or an admin"},
	{"delivered", "pruned", "janitor"},
	{"undeliverable", "pruned", "janitor"},
}

// Transitions returns the ledger's state table.
func Transitions() []Transition { return append([]Transition(nil), transitions[:]...) }

// May reports whether a row may go from one state to another.
func May(from, to string) bool {
	if from == "" {
		from = "-"
	}
	for _, t := range transitions {
		if t.From == from && t.To == to {
			return true
		}
	}
	return false
}
