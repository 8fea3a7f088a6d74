package cli

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"
)

type instanceView struct {
	Name    string `json:"name"`
	Here    bool   `json:"here"`
	State   string `json:"state"`
	Version string `json:"version"`
	Heard   stamp  `json:"heard"`
	Open    int    `json:"open"`
	Keys    int    `json:"keys"`
	Jobs    bool   `json:"jobs"`
	Behind  bool   `json:"behind"`
}

func (a *app) instanceCmd() *cobra.Command {
	c := &cobra.Command{Use: "instance", Short: "see the instances that serve one database together, and drain one"}
	c.AddCommand(a.instanceListCmd(), a.instanceDrainCmd())
	return c
}

func (a *app) instanceListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the instances that serve this database", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "instance.list", "instances", nil, []string{"INSTANCE", "STATE", "VERSION", "HEARD", "OPEN", "KEYS", "DOES"},
				"No instance has said yet that it runs.",
				func(i instanceView) []string {
					var does []string
					if i.Jobs {
						does = append(does, "jobs")
					}
					if i.Behind {
						does = append(does, "follows a change")
					}
					if i.Here {
						does = append(does, "answers here")
					}
					return []string{shown(i.Name, 100), shown(i.State, 20), shown(i.Version, 40), a.when(i.Heard), count(i.Open, "bunker"), count(i.Keys, "part"), strings.Join(does, ", ")}
				})
		},
	}
}

func (a *app) instanceDrainCmd() *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use: "drain", Short: "have this machine's instance hand over what it hears", Args: args(),
		Long: `Has the instance of this data folder hand over what it hears on relays, and its jobs, to the others. It still answers whoever is
connected to it, and says at /readyz that it is not ready, so that a proxy sends nobody else. Then it can be stopped; a stop by itself (SIGTERM) does the
same first. --undo has it take its share again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := struct {
				Undo bool `json:"undo,omitempty"`
			}{undo}
			return show(cmd.Context(), a, "instance.drain", p, func(json.RawMessage) error {
				if undo {
					a.say("The instance takes its share again.")
					return nil
				}
				a.say("Drained: the other instances take over what this one heard. It can be stopped.")
				return nil
			})
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "take the share again")
	return c
}
