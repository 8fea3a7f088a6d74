package bunker

// SeatsRule is the rule in the record of a request that there was no seat for.
const SeatsRule = "seats"

// SeatsFull is the action of the record, once a day at most, that somebody was refused
// for want of a seat: its owner is told.
const SeatsFull = "seats.full"

// Quota is what a tenant may use of a hosted instance. It is the provider's word,
// not the tenant's: it is no part of the row's MAC, and can be set while the tenant
// is sealed. The zero value lets nobody sign and keeps no key.
type Quota struct {
	// Unlimited: none of the others counts. A self-hosted bunker is.
	Unlimited bool `json:"unlimited,omitempty"`
	// People is how many seats there are: persons, and apps that are for no person
	// in particular, with something allowed in the last days (internal/host).
	People int64 `json:"people"`
	// Keys is how many user keys there may be, those that wait to be deleted too.
	Keys int64 `json:"keys"`
	// Rate is how many requests a second are worked on, in the long run.
	Rate int64 `json:"rate"`
	// BoughtFor is how many people the bunker was bought for when the provider set this
	// himself: it stands until it is bought for another number. 0: it is what was bought, or
	// nothing was.
	BoughtFor int64 `json:"bought_for,omitempty"`
}
