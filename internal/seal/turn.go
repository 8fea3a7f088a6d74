package seal

// MaxWaiting is how many passphrases of one bunker are worked on, or wait for it, at most.
const MaxWaiting = 8

// InTurn returns the KDF of one bunker of those that share kdf, which works on one
// passphrase at a time: no more than one of this bunker's is handed on to it, so that
// bunkers take turns however many one of them has. What is beyond MaxWaiting is refused
// (CodeRateLimited).
func InTurn(kdf KDF) KDF {
	turn, places := make(chan struct{}, 1), make(chan struct{}, MaxWaiting)
	return func(password, salt []byte, logN uint8) ([]byte, error) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			return nil, crowded()
		}
		turn <- struct{}{}
		defer func() { <-turn }()
		return kdf(password, salt, logN)
	}
}
