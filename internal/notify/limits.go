package notify

import "time"

const (
	// gatherFor is how long a notice waits for others, so that a burst of questions
	// is one message.
	gatherFor = time.Second
	// minGap is the shortest time between two messages to one channel; what comes
	// meanwhile goes with the next one.
	minGap = 10 * time.Second
	// maxHourly is how many messages one channel gets in an hour; the rest waits,
	// and goes with the next one.
	maxHourly = 60
	// sendTimeout bounds one try of one message.
	sendTimeout = 30 * time.Second
	// firstBackoff and lastBackoff are the waits between tries; they double.
	firstBackoff = 5 * time.Second
	lastBackoff  = 30 * time.Minute
	// maxTries is how often a message is tried, which takes five hours; then its
	// notices are listed as failed.
	maxTries = 18
	// maxBatch is how many notices one message counts.
	maxBatch = 1000
	// maxNamed is how many questions or alarms one message with details names; the
	// others are counted.
	maxNamed = 10
	// maxAnswer is how many characters of a server's answer are shown.
	maxAnswer = 200
	// lookEvery is how often what is due is looked for when nothing wakes us.
	lookEvery = time.Second
	// conditionsEvery is how often conditions are looked at.
	conditionsEvery = time.Minute
	// pageOfLog is how many records are read at once, and rememberEvery after how many
	// records without news the place in the log is stored.
	pageOfLog     = 200
	rememberEvery = 10_000
)

// backoff is how long to wait after a number of tries.
func backoff(tries int) time.Duration {
	d := firstBackoff
	for range tries {
		if d *= 2; d >= lastBackoff {
			return lastBackoff
		}
	}
	return d
}
