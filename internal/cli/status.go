package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type statusView struct {
	Version string `json:"version"`
	Backend string `json:"backend"`
	Started stamp  `json:"started"`
	State   string `json:"state"`
	Keys    struct {
		All      int `json:"all"`
		Unlocked int `json:"unlocked"`
		Locked   int `json:"locked"`
		Deleting int `json:"deleting"`
	} `json:"keys"`
	Connections map[string]int `json:"connections"`
	Tokens      int            `json:"tokens"`
	Questions   int            `json:"questions"`
	Unreleased  struct {
		Waiting       int `json:"waiting"`
		Undeliverable int `json:"undeliverable"`
	} `json:"unreleased"`
	Relays           []relayHealth `json:"relays"`
	AppRelays        []string      `json:"app_relays"`
	Admins           []adminView   `json:"admins"`
	ConnectionString string        `json:"connection_string"`
	AdminPages       []string      `json:"admin_pages"`
	Clock            struct {
		Ledger  stamp  `json:"ledger"`
		Suspect bool   `json:"suspect"`
		Why     string `json:"why"`
	} `json:"clock"`
	Audit struct {
		Seq        int64  `json:"seq"`
		Head       string `json:"head"`
		Checkpoint int64  `json:"checkpoint"`
	} `json:"audit"`
	LastBackup stamp `json:"last_backup"`
	Memory     struct {
		Used   int  `json:"used"`
		Size   int  `json:"size"`
		Locked bool `json:"locked"`
	} `json:"memory"`
	Quota  *quotaView `json:"quota"`
	Guests *struct {
		All     int `json:"all"`
		Open    int `json:"open"`
		Opening int `json:"opening"`
	} `json:"guests"`
}

type relayHealth struct {
	URL     string `json:"url"`
	State   string `json:"state"`
	Error   string `json:"error"`
	Latency int64  `json:"latency_ms"`
}

func (h *relayHealth) words() string {
	text := shown(h.State, 30)
	if h.Latency > 0 {
		text += fmt.Sprintf(", %d ms", h.Latency)
	}
	if h.Error != "" {
		text += " (" + shown(h.Error, 200) + ")"
	}
	return text
}

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "show how the bunker does", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "status", nil, a.printStatus)
		},
	}
}

func (a *app) printStatus(s statusView) error {
	rows := [][2]string{
		{"state", shown(s.State, 30)},
		{"running", fmt.Sprintf("%s, started %s", shown(s.Version, 60), a.when(s.Started))},
		{"keys", s.keys()},
		{"apps", s.apps()},
		{"questions", fmt.Sprintf("%d open", s.Questions)},
		{"replies", fmt.Sprintf("%d on their way, %d undeliverable", s.Unreleased.Waiting, s.Unreleased.Undeliverable)},
	}
	if s.Quota != nil {
		rows = append(rows, [2]string{"seats", s.Quota.words()})
	}
	if g := s.Guests; g != nil {
		rows = append(rows, [2]string{"guests", fmt.Sprintf("%d, of which %d are open and %d are being opened", g.All, g.Open, g.Opening)})
	}
	for _, r := range s.Relays {
		rows = append(rows, [2]string{"relay", shown(r.URL, 100) + ": " + r.words()})
	}
	for _, p := range s.AdminPages {
		rows = append(rows, [2]string{"admin app", shown(p, 300)})
	}
	for _, ad := range s.Admins {
		rows = append(rows, [2]string{"admin", ad.words(a)})
	}
	clock := s.Clock.Ledger.Local().Format("2006-01-02 15:04:05")
	if s.Clock.Suspect {
		clock += " (suspect: " + shown(s.Clock.Why, 200) + ")"
	}
	audit := fmt.Sprintf("%d records, signed up to %d", s.Audit.Seq, s.Audit.Checkpoint)
	rows = append(rows, [2]string{"clock", clock}, [2]string{"log", audit}, [2]string{"backup", ago(s.LastBackup.ms(), a.now())},
		[2]string{"secrets", fmt.Sprintf("%d of %d KiB of locked memory", s.Memory.Used>>10, s.Memory.Size>>10)},
		[2]string{"connection string", shown(s.ConnectionString, 2000)})
	return a.facts(rows)
}

func (s *statusView) keys() string {
	text := fmt.Sprintf("%d, of which %d can sign", s.Keys.All, s.Keys.Unlocked)
	if s.Keys.Locked > 0 {
		text += fmt.Sprintf(", %d locked", s.Keys.Locked)
	}
	if s.Keys.Deleting > 0 {
		text += fmt.Sprintf(", %d being deleted", s.Keys.Deleting)
	}
	return text
}

func (s *statusView) apps() string {
	var parts []string
	for _, state := range []string{"active", "pending", "suspended", "ended", "revoked", "expired"} {
		if n := s.Connections[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		parts = []string{"none connected"}
	}
	return fmt.Sprintf("%s; %s unused", strings.Join(parts, ", "), count(s.Tokens, "link"))
}
