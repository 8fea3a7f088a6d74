package host

// BurstSeconds is for how many seconds a tenant's requests may come at once: what a
// quota allows in that time, and then what it allows a second.
const BurstSeconds = 20

// maxBurst bounds what a quota's burst can be.
const maxBurst = 1 << 20

// Burst is how many requests may come at once under a rate a second.
func Burst(rate int64) int { return int(min(max(0, rate), maxBurst/BurstSeconds)) * BurstSeconds }
