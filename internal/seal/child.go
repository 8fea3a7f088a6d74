package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/crypto/scrypt"

	"nsecbunker/internal/secret"
)

// KDF is scrypt with N = 2^logN, r = 8, p = 1 and a result of 32 bytes, which the
// caller wipes. It has the shape of nip49.KDF.
type KDF func(password, salt []byte, logN uint8) ([]byte, error)

const (
	// MaxLogN is the greatest cost that is worked on: 2^20 takes 1 GiB.
	MaxLogN = 20
	// ChildTimeout is how long one derivation may take.
	ChildTimeout = 2 * time.Minute

	scryptR   = 8
	scryptP   = 1
	kdfKey    = 32
	maxSalt   = 64
	maxSecret = nfkcGrowth * MaxPassphrase // bytes of a normalised passphrase
)

// A request to the child: magic, logN, then salt and password, each with its
// length (2 bytes, big-endian). The answer: magic, then the key. Both have a
// fixed beginning, so that another program in our place is noticed.
const (
	requestMagic = "nsecbunker kdf 1\n"
	answerMagic  = "nsecbunker key 1\n"
)

// ChildKDF runs scrypt in a child process, which takes its 256 MiB, and every
// trace of the passphrase in them, with it when it exits (security.md section 1).
// One at a time: use one ChildKDF per process. It must not be copied.
type ChildKDF struct {
	Exe  string   // the program: normally this one, os.Executable()
	Args []string // the hidden subcommand that calls RunKDFChild
	// Timeout is how long one may take; 0: ChildTimeout.
	Timeout time.Duration
	// Life ends what is worked on, and lets nothing begin any more: a process that
	// is to end shall not wait for scrypt. nil: only Timeout does.
	Life context.Context

	mu sync.Mutex
}

// errEnding is why nothing is derived any more.
var errEnding = fmt.Errorf("the bunker is going down: %w", context.Canceled)

// Scrypt is a KDF, also for nip49. The password and salt go through a pipe,
// never through arguments or the environment.
func (c *ChildKDF) Scrypt(password, salt []byte, logN uint8) ([]byte, error) {
	if err := checkKDF(password, salt, logN); err != nil {
		return nil, err
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = ChildTimeout
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	life := c.Life
	if life == nil {
		life = context.Background()
	}
	ctx, cancel := context.WithTimeout(life, timeout)
	defer cancel()
	answer, err := c.run(ctx, password, salt, logN)
	if life.Err() != nil {
		secret.Wipe(answer)
		return nil, errEnding
	}
	if err != nil {
		mib := uint64(128*scryptR) << logN >> 20
		return nil, fmt.Errorf("working on the passphrase in a child process, which needs %d MiB of free memory: %w", mib, err)
	}
	return answer, nil
}

func checkKDF(password, salt []byte, logN uint8) error {
	switch {
	case logN < 1 || logN > MaxLogN:
		return fmt.Errorf("scrypt: log_n %d is not between 1 and %d", logN, MaxLogN)
	case len(salt) > maxSalt:
		return fmt.Errorf("scrypt: the salt is longer than %d bytes", maxSalt)
	case len(password) > maxSecret:
		return fmt.Errorf("scrypt: the passphrase is longer than %d bytes", maxSecret)
	}
	return nil
}

func (c *ChildKDF) run(ctx context.Context, password, salt []byte, logN uint8) ([]byte, error) {
	request := encodeRequest(password, salt, logN)
	defer secret.Wipe(request)
	answer := make([]byte, len(answerMagic)+kdfKey+1)
	n, err := runProgram(ctx, program{
		argv: append([]string{c.Exe}, c.Args...), env: []string{"GOTRACEBACK=none"}, stdin: request,
	}, answer)
	if err == nil && (n != len(answer)-1 || string(answer[:len(answerMagic)]) != answerMagic) {
		err = errors.New("it answered something else than a key")
	}
	if err != nil {
		secret.Wipe(answer)
		return nil, err
	}
	return answer[len(answerMagic):n:n], nil
}

func encodeRequest(password, salt []byte, logN uint8) []byte {
	b := make([]byte, 0, len(requestMagic)+1+2+len(salt)+2+len(password))
	b = append(b, requestMagic...)
	b = append(b, logN)
	b = binary.BigEndian.AppendUint16(b, uint16(len(salt)))
	b = append(b, salt...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(password)))
	return append(b, password...)
}

// RunKDFChild is the child's side: it reads one request from stdin and writes
// the key to stdout. The hidden subcommand calls it and exits, with a status
// other than 0 if there is an error.
func RunKDFChild(stdin io.Reader, stdout io.Writer) error {
	password, salt, logN, err := readRequest(stdin)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	defer secret.Wipe(password)
	key, err := scrypt.Key(password, salt, 1<<logN, scryptR, scryptP, kdfKey)
	if err != nil {
		return fmt.Errorf("scrypt: %w", err)
	}
	defer secret.Wipe(key)
	answer := append([]byte(answerMagic), key...)
	defer secret.Wipe(answer)
	if _, err := stdout.Write(answer); err != nil {
		return fmt.Errorf("writing the key: %w", err)
	}
	return nil
}

func readRequest(r io.Reader) (password, salt []byte, logN uint8, err error) {
	head := make([]byte, len(requestMagic)+1)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, 0, err
	}
	if string(head[:len(requestMagic)]) != requestMagic {
		return nil, nil, 0, errors.New("this command is for the bunker's own use; it derives keys")
	}
	logN = head[len(requestMagic)]
	if salt, err = readField(r, maxSalt); err != nil {
		return nil, nil, 0, err
	}
	if password, err = readField(r, maxSecret); err != nil {
		return nil, nil, 0, err
	}
	if err := checkKDF(password, salt, logN); err != nil {
		secret.Wipe(password)
		return nil, nil, 0, err
	}
	return password, salt, logN, nil
}

func readField(r io.Reader, limit int) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(n[:]))
	if length > limit {
		return nil, fmt.Errorf("a field of %d bytes is longer than %d", length, limit)
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(r, b); err != nil {
		secret.Wipe(b)
		return nil, err
	}
	return b, nil
}

// program is what is run, without a shell.
type program struct {
	argv  []string
	env   []string
	stdin []byte // nil: nothing, /dev/null
}

// errOutput means that a program wrote more than fits.
var errOutput = errors.New("it printed too much")

// runProgram runs a program and reads its output straight into out, without a
// copy elsewhere; an output that fills out is an error. What is still running
// when ctx ends is killed, its children too. stderr is dropped: it could hold
// anything.
func runProgram(ctx context.Context, p program, out []byte) (n int, err error) {
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Env = p.env
	ownGroup(cmd)
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	cmd.Stdout = writer
	var in io.WriteCloser
	if p.stdin != nil {
		if in, err = cmd.StdinPipe(); err != nil {
			return 0, errors.Join(err, writer.Close())
		}
	}
	err = cmd.Start()
	if closeErr := writer.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		// A grandchild that left the group may keep the pipe open.
		_ = reader.SetReadDeadline(deadline)
	}
	n, err = converse(in, p.stdin, reader, out)
	if err != nil {
		_ = cmd.Cancel() // it may be gone already
	}
	if wait := cmd.Wait(); err == nil {
		err = wait
	}
	if ctx.Err() != nil {
		err = errors.New("it took too long")
	}
	return n, err
}

// converse writes the request, then reads the answer to its end.
func converse(in io.WriteCloser, request []byte, from io.Reader, out []byte) (int, error) {
	if in != nil {
		// A child that ends early says so by its status: the broken pipe is no news.
		_, _ = in.Write(request)
		_ = in.Close()
	}
	n, err := io.ReadFull(from, out)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return n, nil
	case err == nil:
		return n, errOutput
	}
	return n, err
}
