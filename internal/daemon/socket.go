package daemon

import (
	"context"
	"path/filepath"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/socket"
)

// openSocket makes the door for the command line on this machine.
func (d *Daemon) openSocket(context.Context) (err error) {
	d.socket, err = socket.New(socket.Config{
		Path: filepath.Join(d.Dir, SocketFile), Table: d, Prover: prover{d.home}, Log: d.Log,
	})
	return err
}

// prover checks the passphrase that comes with a dangerous command.
type prover struct{ t *tenant }

func (p prover) Prove(ctx context.Context, passphrase []byte) error {
	slots, err := p.t.store.Slots(ctx, p.t.id)
	if err != nil {
		return err
	}
	if len(slots) == 0 {
		return bunker.Errorf(bunker.CodeConflict, "this bunker is not set up, so it has no passphrase").WithHint("nsecbunker setup")
	}
	k, err := p.t.theDesk()
	if err != nil {
		return err
	}
	return k.slots.Verify(ctx, slots, passphrase, func(root []byte) bool {
		return !p.t.vault.Unsealed(p.t.id) || p.t.vault.IsRoot(p.t.id, root)
	})
}
