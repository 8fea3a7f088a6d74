package vault

import (
	"strconv"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// VersionAddress returns where the versions of one replaceable event are kept. It
// is a digest under the root key: who reads the store learns the kind, and nothing
// of the d tag. Errors: ErrSealed.
func (v *Vault) VersionAddress(id bunker.TenantID, key bunker.KeyID, kind nostr.Kind, d string) (bunker.Address, error) {
	mac, err := v.rootMAC(id, digests, joined("nsecbunker/version/1", string(key), strconv.Itoa(int(kind)), d))
	return bunker.Address(mac), err
}

// SealVersion closes a version's event for the store. It is bound to its key, its
// address, its place in the order and everything else that its row says, so that no
// version can be passed off as another.
func (v *Vault) SealVersion(k *bunker.KeptVersion, event []byte) ([]byte, error) {
	return v.close(k.Tenant, closeVersions, versionPlace(k), event)
}

// OpenVersion opens what SealVersion made. Errors: ErrSealed; bunker.ErrTampered,
// also when the row was changed from outside.
func (v *Vault) OpenVersion(k *bunker.KeptVersion) ([]byte, error) {
	return v.open(k.Tenant, closeVersions, versionPlace(k), k.Sealed)
}

func versionPlace(k *bunker.KeptVersion) Place {
	return Place{
		Tenant: string(k.Tenant), Table: "kept_version", Row: k.Address.String() + " " + strconv.FormatInt(k.Seq, 10),
		Purpose: "kept version " + k.EventID.String(),
		Flags: []string{
			"key " + string(k.Key), "kind " + strconv.Itoa(int(k.Kind)), "dated " + strconv.FormatInt(k.CreatedAt, 10),
			"source " + string(k.Source), "connection " + string(k.Connection), "kept " + strconv.FormatInt(k.KeptAt, 10),
			"seen " + strconv.FormatBool(k.Seen),
		},
	}
}
