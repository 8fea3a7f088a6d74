package bunker

// TenantStanding is how a provider lets a tenant of a hosted instance stand. It gives no
// right, and whatever it is, its people may look, export and revoke. The zero value is
// that of whoever runs his own machine: nothing is held back.
type TenantStanding string

// The standings.
const (
	StandingWorks     TenantStanding = ""
	StandingReadOnly  TenantStanding = "read-only" // not renewed
	StandingSuspended TenantStanding = "suspended" // by the provider
)

// Known reports a standing that there is.
func (s TenantStanding) Known() bool {
	return s == StandingWorks || s == StandingReadOnly || s == StandingSuspended
}

// Words say what holds everything back, for apps and admins; "" when nothing does. A
// standing that is not known holds, too.
func (s TenantStanding) Words() string {
	switch s {
	case StandingWorks:
		return ""
	case StandingReadOnly:
		return "this bunker is read-only until it is renewed; ask its owner"
	}
	return "this bunker is suspended by its provider; ask its owner"
}
