package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bunkerProcess is the bunker that is measured.
type bunkerProcess struct {
	cmd    *exec.Cmd
	listen string
	// startWall and startCPU are how long it took from its start to its first
	// answer, unsealed and every key in memory.
	startWall, startCPU time.Duration
}

// startTimeout is how long a bunker may take to answer.
const startTimeout = 2 * time.Minute

// startBunker starts the binary on a data folder that seed made, and returns when
// it answers. The HTTP server takes its first request after the unseal.
func startBunker(ctx context.Context, bin []string, dir, listen string) (*bunkerProcess, error) {
	b := &bunkerProcess{listen: listen}
	args := append(append([]string{}, bin[1:]...), "--data", dir)
	b.cmd = exec.CommandContext(ctx, bin[0], args...)
	b.cmd.Cancel = func() error { return b.cmd.Process.Signal(syscall.SIGTERM) }
	b.cmd.Stdout, b.cmd.Stderr = io.Discard, os.Stderr
	begin := time.Now()
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	for client := (&http.Client{Timeout: startTimeout}); ; time.Sleep(time.Millisecond) {
		res, err := client.Get("http://" + listen + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			b.startWall = time.Since(begin)
			b.startCPU, err = b.cpu()
			client.CloseIdleConnections()
			return b, err
		}
		if time.Since(begin) > startTimeout {
			return nil, errors.Join(errors.New("the bunker does not answer"), b.stop())
		}
	}
}

func (b *bunkerProcess) stop() error {
	return errors.Join(b.cmd.Process.Signal(syscall.SIGTERM), b.cmd.Wait())
}

// cpu is the CPU time that the process has used, threads that ended included.
func (b *bunkerProcess) cpu() (time.Duration, error) { return cpuOf(b.cmd.Process.Pid) }

// cpuOf is the CPU time that a process has used, to the nanosecond: that of its own
// clock (clock_getcpuclockid(3)), since /proc counts in hundredths of a second, of
// which starting takes three.
func cpuOf(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED: user and system time
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("the clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory returns the resident memory now and at its highest, in MB (10^6 bytes).
func (b *bunkerProcess) memory() (now, peak float64, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(b.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "VmRSS:" && f[0] != "VmHWM:" {
			continue
		}
		kib, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			return 0, 0, err
		}
		if f[0] == "VmRSS:" {
			now = kib * 1024 / 1e6
		} else {
			peak = kib * 1024 / 1e6
		}
	}
	return now, peak, nil
}

// loadProcess is the clients.
type loadProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startLoad(ctx context.Context, dir, at string, more ...string) (*loadProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &loadProcess{cmd: exec.CommandContext(ctx, self, append([]string{"load", "-dir", dir, "-url", "ws://" + at}, more...)...)}
	l.cmd.Stderr = os.Stderr
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	pipe, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.out = bufio.NewScanner(pipe)
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = l.hear()
	return l, err
}

func (l *loadProcess) hear() (outcome, error) {
	if !l.out.Scan() {
		return outcome{}, errors.Join(errors.New("the clients ended"), l.out.Err())
	}
	var o outcome
	if err := json.Unmarshal(l.out.Bytes(), &o); err != nil {
		return o, fmt.Errorf("the clients say %q", l.out.Text())
	}
	return o, nil
}

// do runs commands and returns the outcome of the last one.
func (l *loadProcess) do(commands ...string) (o outcome, err error) {
	for _, c := range commands {
		if _, err := fmt.Fprintln(l.in, c); err != nil {
			return o, err
		}
		if o, err = l.hear(); err != nil {
			return o, fmt.Errorf("%s: %w", c, err)
		}
	}
	return o, nil
}

func (l *loadProcess) stop() error { return errors.Join(l.in.Close(), l.cmd.Wait()) }

// startRelay starts the relay, unless there is none (at is empty: the one inside
// the bunker is used). It ends with ctx or by stop.
func startRelay(ctx context.Context, at string) (stop func() error, err error) {
	if at == "" {
		return func() error { return nil }, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "relay", "-listen", at)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() error { return errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()) }
	if !bufio.NewScanner(out).Scan() {
		return nil, errors.Join(errors.New("the relay did not start"), stop())
	}
	return stop, nil
}
