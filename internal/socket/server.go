package socket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// Dispatcher runs the commands: the admin table.
type Dispatcher interface {
	Dispatch(ctx context.Context, p bunker.Principal, name string, params []byte) (any, error)
}

// Prover checks the passphrase that comes with a dangerous command; tries are
// counted behind it.
type Prover interface {
	Prove(ctx context.Context, passphrase []byte) error
}

// Config is what New needs; every field.
type Config struct {
	Path   string
	Table  Dispatcher
	Prover Prover
	Log    *slog.Logger
}

// Server listens on the socket.
type Server struct {
	Config
	listener *net.UnixListener
}

// maxPath is the longest path that a unix socket's address holds, with its end.
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// New makes the socket: a file of mode 0600 that only its owner can open. A
// leftover of a bunker that is gone is replaced; one that is alive, and a file
// that is no socket, are left alone.
func New(c Config) (*Server, error) {
	if c.Path == "" || c.Table == nil || c.Prover == nil || c.Log == nil {
		return nil, errors.New("socket: path, table, prover and log are needed")
	}
	if len(c.Path) > maxPath {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the path of the socket, %s, is longer than the %d bytes that this system allows; choose a shorter data folder with --data", c.Path, maxPath)
	}
	if err := clearPath(c.Path); err != nil {
		return nil, err
	}
	// The folder is 0700, so nobody else reaches the file before its mode is set.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: c.Path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	if err := os.Chmod(c.Path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protecting the socket: %w", err), l.Close())
	}
	return &Server{c, l}, nil
}

// clearPath removes what a bunker that ended badly left.
func clearPath(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for an old socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return bunker.Errorf(bunker.CodeConflict, "%s is in the way of the socket; move it elsewhere", path)
	}
	// The data folder's lock lets one bunker in; this is for who goes round it.
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(bunker.Errorf(bunker.CodeConflict, "another nsecbunker listens on %s; stop it first", path), conn.Close())
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing an old socket: %w", err)
	}
	return nil
}

// Run serves until ctx ends, and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	// The file is gone when Run has returned, whoever closed first.
	defer s.listener.Close()
	places := make(chan struct{}, MaxConns)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if !passing(err) {
				return fmt.Errorf("accepting on the socket: %w", err)
			}
			s.Log.Warn("no room for a connection to the socket", "error", err)
			pause(ctx, AcceptPause)
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			s.turnAway(conn)
			continue
		}
		wg.Go(func() {
			defer func() { <-places }()
			s.serve(ctx, conn)
		})
	}
}

// passing reports an error of accept that goes by itself: the end of the process
// would be worse.
func passing(err error) bool {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED, unix.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// turnAway tells one connection too many why it is closed. The answer fits the
// socket's buffer, so this does not wait for the other end.
func (s *Server) turnAway(conn *net.UnixConn) {
	defer conn.Close()
	e := bunker.Errorf(bunker.CodeRateLimited, "%d connections to the bunker's socket are open; end one, or try again", MaxConns)
	if err := s.write(conn, reply{Error: public(e)}); err != nil {
		s.Log.Debug("a connection too many was gone already", "error", err)
	}
}

// Close gives the socket up without Run.
func (s *Server) Close() error { return s.listener.Close() }

// serve answers one connection, request by request.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	if uid, err := peer(conn); err != nil || !admitted(uid, os.Geteuid()) {
		s.Log.Warn("somebody else's connection to the socket was refused", "uid", uid, "error", err)
		return
	}
	in := bufio.NewScanner(conn)
	// Large enough for every request with a secret in it: a buffer that grows
	// leaves a copy behind.
	in.Buffer(make([]byte, 0, secret.MaxParam*8), MaxLine)
	for {
		if conn.SetReadDeadline(time.Now().Add(IdleTimeout)) != nil || !in.Scan() {
			if errors.Is(in.Err(), bufio.ErrTooLong) {
				s.write(conn, reply{Error: public(bunker.Errorf(bunker.CodeInvalid, "the request is longer than %d bytes", MaxLine))})
			}
			return
		}
		line := in.Bytes()
		r := s.answer(ctx, line)
		secret.Wipe(line)
		if s.write(conn, r) != nil {
			return
		}
	}
}

// admitted: our own user, and root, who can do everything here anyway.
func admitted(uid, ours int) bool { return uid == 0 || uid == ours }

// answer runs one request.
func (s *Server) answer(ctx context.Context, line []byte) reply {
	req, err := parseRequest(line)
	if err != nil {
		return reply{Error: public(err)}
	}
	defer secret.Wipe(req.Params)
	defer req.Proof.Wipe()
	// The socket is the machine's own administrator: an owner (architecture.md).
	p := bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket}
	if len(req.Proof) > 0 {
		if err := s.Prover.Prove(ctx, req.Proof); err != nil {
			e := bunker.AsError(err)
			if e.Field == "" {
				e = e.In("proof")
			}
			return reply{ID: req.ID, Error: public(e)}
		}
		p.Fresh = true
	}
	result, err := s.Table.Dispatch(ctx, p, req.Cmd, req.Params)
	if err != nil {
		e := bunker.AsError(err)
		switch {
		case e.Cause != nil && e.Code == bunker.CodeError:
			s.Log.Error("a command failed", "command", req.Cmd, "error", e.Cause)
		case e.Cause != nil:
			s.Log.Debug("a command was refused", "command", req.Cmd, "code", e.Code, "error", e.Cause)
		}
		return reply{ID: req.ID, Error: public(e)}
	}
	b, err := encode(result)
	if err != nil {
		s.Log.Error("a result could not be written", "command", req.Cmd, "error", err)
		return reply{ID: req.ID, Error: public(err)}
	}
	return reply{ID: req.ID, Result: b}
}

// encode writes a value as one line of JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// write sends a reply, and wipes it: an export passes here.
func (s *Server) write(conn *net.UnixConn, r reply) error {
	defer secret.Wipe(r.Result)
	b, err := encode(r)
	if err != nil {
		return err
	}
	defer secret.Wipe(b)
	if err := conn.SetWriteDeadline(time.Now().Add(WriteTimeout)); err != nil {
		return err
	}
	_, err = conn.Write(b)
	return err
}
