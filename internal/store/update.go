package store

import (
	"context"
	"errors"
)

// update runs statements that are no change of authority (publish times,
// checkpoints, pruning) in one write transaction. f runs on s.write.
func (s *Store) update(ctx context.Context, f func() error) (err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, s.rollback())
	}
	if err := s.commit(); err != nil {
		return errors.Join(err, s.rollback())
	}
	return nil
}
