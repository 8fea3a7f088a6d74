package wallet

import "time"

const (
	// MinExpiry and MaxExpiry bound how long an invoice can be paid.
	MinExpiry = time.Minute
	MaxExpiry = 7 * 24 * time.Hour
	// MaxMemo is the longest memo in bytes: phoenixd takes 128 characters.
	MaxMemo = 120
	// MaxAmountMsat is the largest invoice: one bitcoin.
	MaxAmountMsat = 100_000_000_000
	// Satoshi is one in msat; amounts are whole ones, as LNbits and phoenixd know no less.
	Satoshi = 1000
	// DefaultTimeout bounds one exchange with a wallet.
	DefaultTimeout = 20 * time.Second
	// MaxTimeout is the largest Config.Timeout.
	MaxTimeout = time.Minute
	// DefaultPollEvery is how often invoices that wait are asked for: what a notice
	// that was lost costs.
	DefaultPollEvery = 5 * time.Second
	// MaxPerRound is how many invoices one round of polling asks for; more take turns.
	MaxPerRound = 200
	// pollers is how many of a round are asked for at the same time.
	pollers = 4
	// maxFailures is how many look-ups of a round may fail in a row before the wallet
	// is left alone until the next.
	maxFailures = 8
	// maxHeard is how many notices wait to be looked up; the poll finds what is dropped.
	maxHeard = 1024
	// checkedFor is how long the answer to "could it pay?" is believed.
	checkedFor = time.Hour
	// minListenPause and maxListenPause bound the wait before a broken stream of
	// notices is opened again; it doubles.
	minListenPause = time.Second
	maxListenPause = time.Minute
	// streamLasts bounds one stream of notices over HTTP; then it is opened again.
	streamLasts = 10 * time.Minute
	// maxAnswer is the largest answer in bytes, maxStream that of a stream as a whole,
	// maxLine that of one notice.
	maxAnswer = 256 << 10
	maxStream = 64 << 20
	maxLine   = 256 << 10
	// maxSecret is the longest secret in bytes.
	maxSecret = 8 << 10
	// maxSaid is how many characters of a wallet's words are shown.
	maxSaid = 200
	// ageSlack is how far a new invoice's time may be from ours.
	ageSlack = 10 * time.Minute
)
