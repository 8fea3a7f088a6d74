package wallet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// right is what a macaroon of lnd's permits: an entity and what may be done with it.
type right struct{ entity, action string }

// macaroonHex takes a macaroon as it is or in hex, and returns it in hex, which the
// caller wipes, with its rights.
func macaroonHex(b []byte) ([]byte, []right, error) {
	raw := bytes.Clone(b)
	if n, err := hex.Decode(raw, b); err == nil {
		raw = raw[:n]
	} else {
		copy(raw, b)
	}
	defer secret.Wipe(raw[:cap(raw)])
	rights, err := macaroonRights(raw)
	if err != nil {
		return nil, nil, refused("secret", "the file holds no macaroon of lnd's (%s); take invoice.macaroon, as it is or in hex", err)
	}
	return hex.AppendEncode(nil, raw), rights, nil
}

// Fields of a macaroon in the binary format, version 2.
const (
	macaroonVersion    = 2
	fieldEnd           = 0
	fieldLocation      = 1
	fieldIdentifier    = 2
	maxRights          = 256
	identifierVersion  = 3 // of lnd's library, go-macaroon-bakery: MacaroonId as protobuf
	protoBytes         = 2 // the wire type of bytes
	idOps, opEntity    = 3, 1
	opActions, tagBits = 2, 3
)

// macaroonRights reads what a macaroon was made for, which its identifier says.
// Caveats can only make it less, so they are passed over. Its signature is lnd's to
// check.
func macaroonRights(b []byte) ([]right, error) {
	if len(b) == 0 || b[0] != macaroonVersion {
		return nil, fmt.Errorf("it does not begin as one")
	}
	b = b[1:]
	for {
		kind, n := binary.Uvarint(b)
		if n <= 0 || kind == fieldEnd {
			return nil, fmt.Errorf("it has no identifier")
		}
		v, rest, ok := prefixed(b[n:])
		if !ok {
			return nil, fmt.Errorf("it was cut off")
		}
		switch kind {
		case fieldLocation:
			b = rest
		case fieldIdentifier:
			if len(v) == 0 || v[0] != identifierVersion {
				return nil, fmt.Errorf("its identifier is of an unknown version")
			}
			return identifierRights(v[1:])
		default:
			return nil, fmt.Errorf("it has an unknown field")
		}
	}
}

// prefixed takes bytes behind their length.
func prefixed(b []byte) (v, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}

// identifierRights reads message MacaroonId {bytes nonce = 1; bytes storageId = 2;
// repeated Op ops = 3}, Op {string entity = 1; repeated string actions = 2}.
func identifierRights(b []byte) (all []right, err error) {
	err = protoFields(b, func(field uint64, v []byte) error {
		if field != idOps {
			return nil
		}
		var entity string
		var actions []string
		if err := protoFields(v, func(field uint64, v []byte) error {
			switch field {
			case opEntity:
				entity = string(v)
			case opActions:
				actions = append(actions, string(v))
			}
			return nil
		}); err != nil {
			return err
		}
		for _, a := range actions {
			all = append(all, right{entity, a})
		}
		if len(all) > maxRights {
			return fmt.Errorf("it has too many rights")
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("it names no rights")
	}
	return all, err
}

// protoFields walks a protobuf message whose fields are all bytes.
func protoFields(b []byte, on func(field uint64, v []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag&(1<<tagBits-1) != protoBytes {
			return fmt.Errorf("its identifier cannot be read")
		}
		v, rest, ok := prefixed(b[n:])
		if !ok {
			return fmt.Errorf("its identifier was cut off")
		}
		if err := on(tag>>tagBits, v); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// harmless reports whether no money can leave by a right, nor another right be
// made of it. What is not known can do harm.
func (r right) harmless() bool {
	if r.action == "read" {
		return true
	}
	switch r.entity {
	case "invoices", "address", "info", "message": // write: invoices, addresses to be paid at
		return r.action == "write"
	case "uri":
		for _, method := range []string{
			"/lnrpc.Lightning/AddInvoice", "/lnrpc.Lightning/LookupInvoice", "/lnrpc.Lightning/ListInvoices", "/lnrpc.Lightning/SubscribeInvoices",
			"/lnrpc.Lightning/GetInfo", "/invoicesrpc.Invoices/SubscribeSingleInvoice", "/invoicesrpc.Invoices/LookupInvoiceV2",
		} {
			if r.action == method {
				return true
			}
		}
	}
	return false
}

// judgeRights says whether a macaroon could pay.
func judgeRights(all []right) (Paying, string) {
	var bad []string
	for _, r := range all {
		if !r.harmless() {
			bad = append(bad, bunker.Display(r.entity+":"+r.action, 60))
		}
	}
	if len(bad) == 0 {
		return CannotPay, "no right of the macaroon lets money out"
	}
	slices.Sort(bad)
	const named = 4
	more := ""
	if len(bad) > named {
		bad, more = bad[:named], " and more"
	}
	return CanPay, "the macaroon has the rights " + strings.Join(bad, ", ") + more
}
