package admin

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
)

// changesView is what a new version of a replaceable event does to the one before.
type changesView struct {
	Words   string   `json:"words" doc:"in a sentence; empty when nothing changes"`
	First   bool     `json:"first,omitempty" doc:"no version before is known here"`
	Base    string   `json:"base,omitempty" doc:"id of the event that it is compared with"`
	Before  int      `json:"before" doc:"entries (fields of a profile) of the version before"`
	After   int      `json:"after" doc:"entries of this one"`
	Removed int      `json:"removed,omitempty"`
	Added   int      `json:"added,omitempty"`
	Changed int      `json:"changed,omitempty" doc:"entries with another rest than before"`
	Lost    []string `json:"removed_list,omitempty" doc:"the first of those that are removed"`
	New     []string `json:"added_list,omitempty" doc:"the first of those that are added"`
	Other   []string `json:"changed_list,omitempty" doc:"the first of those that are changed"`
}

func viewChanges(c *guard.Changes) *changesView {
	safe := func(list []string) []string {
		var out []string
		for _, s := range list {
			out = append(out, bunker.Display(s, guard.MaxListedText))
		}
		return out
	}
	return &changesView{
		c.Words(), c.First, c.Base, c.Before, c.After, c.Removed, c.Added, c.Changed,
		safe(c.RemovedList), safe(c.AddedList), safe(c.ChangedList),
	}
}
