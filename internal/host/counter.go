package host

// Wanted is what somebody wants to buy. Secret is the order's, made up by whoever orders:
// the same one is the same order.
type Wanted struct {
	Secret string
	Kind   OrderKind
	Admins []string // npubs
	People int64
}

// View is an order as whoever has its secret sees it.
type View struct {
	Order *Order
	// Ready and Plan are of a bunker that was made; nil once it was deleted.
	Ready *Ready
	Plan  *Plan
	// Again: another invoice can be had.
	Again bool
}

// Ready is what whoever ordered a bunker is shown of it.
type Ready struct {
	Connection string // the connection string
	SetupCode  string // "" once the bunker is set up
}
