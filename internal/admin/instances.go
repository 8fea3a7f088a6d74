package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

// Instances are the processes that serve one store together.
type Instances interface {
	// List returns them, the oldest first; an error where this one is alone by its configuration.
	List(ctx context.Context) ([]InstanceView, error)
	// Drain has this one give up what it hears and does, or take its share again.
	Drain(ctx context.Context, drain bool) error
}

// InstanceView is one instance as commands show it.
type InstanceView struct {
	Name    string `json:"name" doc:"where to look for it"`
	Here    bool   `json:"here,omitempty" doc:"it is the one that answers"`
	State   string `json:"state" doc:"running, draining, or gone: it was not heard of for some seconds"`
	Version string `json:"version"`
	Started Time   `json:"started"`
	Heard   Time   `json:"heard" doc:"of it last, by the database's clock"`
	Open    int    `json:"open" doc:"bunkers that are unsealed there"`
	Keys    int    `json:"keys" doc:"parts of the signer keys that it hears on relays"`
	Jobs    bool   `json:"jobs,omitempty" doc:"it does what a timer asks for: checkpoints, notices, pruning"`
	Behind  bool   `json:"behind,omitempty" doc:"it has not followed the last change yet"`
}

func instancesCommands(t *Table) {
	add(t, Command{
		Name: "instance.list", Summary: "Lists the instances that serve this store together.",
		Role: bunker.Viewer, Doors: system(), WhileSealed: true,
	}, t.instanceList)
	add(t, Command{
		Name: "instance.drain", Summary: "Has the instance that answers give up what it hears on relays and does by a timer, so that it can be stopped.",
		Role: bunker.Owner, Doors: system(), WhileSealed: true,
	}, t.instanceDrain)
}

type instanceListResult struct {
	Instances []InstanceView `json:"instances"`
	Parts     int            `json:"parts" doc:"that the signer keys are in"`
}

// instanceParts is how many parts the signer keys are in.
func instanceParts(list []InstanceView) (n int) {
	for i := range list {
		n += list[i].Keys
	}
	return n
}

func (t *Table) instanceList(ctx context.Context, _ *Call, _ Empty) (instanceListResult, error) {
	if t.Instances == nil {
		return instanceListResult{}, aloneHere()
	}
	list, err := t.Instances.List(ctx)
	return instanceListResult{Instances: list, Parts: instanceParts(list)}, err
}

func aloneHere() error {
	return bunker.Errorf(bunker.CodeConflict, "this bunker is one instance by itself; several can serve one PostgreSQL database").
		WithHint("nsecbunker start --database postgres://… --shared")
}

type instanceDrainParams struct {
	Undo bool `json:"undo,omitempty" doc:"take the share again"`
}

func (t *Table) instanceDrain(ctx context.Context, _ *Call, p instanceDrainParams) (Empty, error) {
	if t.Instances == nil {
		return Empty{}, aloneHere()
	}
	return Empty{}, t.Instances.Drain(ctx, !p.Undo)
}
