package admin

import (
	"errors"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// untell removes the channels by which somebody was told by direct message who is no admin
// any more. It returns what the remover has to know: which they were, and which browsers are
// still told, since nothing says whose those are.
func untell(tx Tx, person nostr.PubKey) (warnings []string, err error) {
	channels, err := tx.Channels()
	if err != nil {
		return nil, err
	}
	var gone, browsers []string
	for i := range channels {
		switch c := &channels[i]; {
		case c.Kind == bunker.ChannelNostr && c.Settings.Target == person.String():
			gone = append(gone, c.Name)
			err = errors.Join(err, tx.DeleteChannel(c.Name))
		case c.Kind == bunker.ChannelPush:
			browsers = append(browsers, c.Name)
		}
	}
	if len(gone) > 0 {
		warnings = append(warnings, goneWords(strings.Join(gone, ", ")))
	}
	if len(browsers) > 0 {
		warnings = append(warnings, browsersWords(strings.Join(browsers, ", ")))
	}
	return warnings, err
}

func goneWords(channels string) string {
	return "direct messages to this npub end, too: " + channels
}

func browsersWords(channels string) string {
	return "these browsers are told on, and one may be of this person: " + channels + "; see: nsecbunker notify list"
}
