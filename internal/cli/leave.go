package cli

import (
	"encoding/json"
	"fmt"
	"io"
)

type leavingKey struct {
	Name      string `json:"name"`
	Npub      string `json:"npub"`
	Ncryptsec string `json:"ncryptsec"`
	Reason    string `json:"reason"`
}

// leaving writes the exports, and tells which keys have none.
func (a *app) leaving(rows []json.RawMessage, out string) error {
	var keys []leavingKey
	kept := 0
	for _, r := range rows {
		var k leavingKey
		if err := json.Unmarshal(r, &k); err != nil {
			return unreadable(err)
		}
		keys = append(keys, k)
		if k.Ncryptsec == "" {
			kept++
			a.say("not exported: %s: %s", name(k.Name), shown(k.Reason, 300))
		}
	}
	err := a.toFile(out, func(w io.Writer) error {
		if a.asJSON {
			return Streams{Out: w}.rows(rows)
		}
		for _, k := range keys {
			if k.Ncryptsec == "" {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s %s %s\n", k.Name, k.Npub, k.Ncryptsec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.say("%s exported, %d not. They still work here; delete them with nsecbunker key delete NAME.", count(len(keys)-kept, "key"), kept)
	return nil
}
