package bunker

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Authority is a row that says who may do what. Its MAC (HMAC-SHA256 under a
// key derived from the tenant's root key) covers table, primary key, version
// and Canonical; a row whose MAC is wrong is never used.
type Authority interface {
	// AuthorityRow returns the row's table, its primary key within the tenant
	// and its version.
	AuthorityRow() (tenant TenantID, table, pk string, version int64)
	// Canonical returns every field that carries authority, unambiguously.
	Canonical() []byte
}

// ErrTampered reports a row whose MAC is wrong: somebody changed the store
// from outside. The tenant is locked and its owner told.
var ErrTampered = errors.New("a stored row was changed from outside")

// ErrStore is in the chain of every error of the store itself, whose words say where it
// lies.
var ErrStore = errors.New("the store could not do it")

// MACMessage is what a row's MAC is computed over.
func MACMessage(a Authority) []byte {
	tenant, table, pk, version := a.AuthorityRow()
	var c canon
	c.str("nsecbunker/authority/1")
	c.str(string(tenant))
	c.str(table)
	c.str(pk)
	c.num(version)
	c.bytes(a.Canonical())
	return c.b
}

// TamperedError names the row whose MAC is wrong.
func TamperedError(a Authority) error {
	_, table, pk, _ := a.AuthorityRow()
	return fmt.Errorf("%s %s: %w", table, pk, ErrTampered)
}

// canon builds length-prefixed encodings: no two different lists of fields
// have the same bytes.
type canon struct{ b []byte }

func (c *canon) bytes(b []byte) {
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(b)))
	c.b = append(c.b, b...)
}

func (c *canon) str(s string) {
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(s)))
	c.b = append(c.b, s...)
}

func (c *canon) num(n int64) { c.b = binary.BigEndian.AppendUint64(c.b, uint64(n)) }

func (c *canon) flag(f bool) {
	if f {
		c.b = append(c.b, 1)
	} else {
		c.b = append(c.b, 0)
	}
}

func (c *canon) keys(ids []KeyID) {
	c.num(int64(len(ids)))
	for _, id := range ids {
		c.str(string(id))
	}
}

func (c *canon) list(ss []string) {
	c.num(int64(len(ss)))
	for _, s := range ss {
		c.str(s)
	}
}
