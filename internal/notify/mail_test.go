package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"nsecbunker/internal/bunker"
)

// smtpServer speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN (RFC
// 4954) to one client after another.
type smtpServer struct {
	addr     string
	cert     tls.Certificate
	startTLS bool // offered; else the connection begins with TLS, or never has it
	implicit bool
	refuse   bool // the recipient

	mu    sync.Mutex
	mails []smtpMail
	work  sync.WaitGroup
}

type smtpMail struct {
	user, pass, from, to, data string
	encrypted                  bool
}

func newSMTP(t testing.TB, s *smtpServer) *smtpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.work.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.work.Wait()
	})
	return s
}

func (s *smtpServer) got() []smtpMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]smtpMail(nil), s.mails...)
}

func (s *smtpServer) serve(c net.Conn) {
	defer c.Close()
	conf := &tls.Config{Certificates: []tls.Certificate{s.cert}}
	var m smtpMail
	if s.implicit {
		c = tls.Server(c, conf)
		m.encrypted = true
	}
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 test ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			switch {
			case s.startTLS && !m.encrypted:
				say("250-test\r\n250 STARTTLS")
			case m.encrypted:
				say("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")
			default:
				say("250 test")
			}
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, conf)
			r = bufio.NewReader(c)
			m.encrypted = true
		case "AUTH":
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			parts := strings.Split(string(raw), "\x00")
			if err != nil || len(parts) != 3 || parts[2] == "wrong" {
				say("535 5.7.8 these credentials are invalid")
				continue
			}
			m.user, m.pass = parts[1], parts[2]
			say("235 2.7.0 welcome")
		case "MAIL":
			m.from = rest
			say("250 ok")
		case "RCPT":
			if s.refuse {
				say("550 5.1.1 nobody of that name")
				continue
			}
			m.to = rest
			say("250 ok")
		case "DATA":
			say("354 end with a full stop")
			for {
				l, err := r.ReadString('\n')
				if err != nil || l == ".\r\n" {
					break
				}
				m.data += l
			}
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			say("250 2.0.0 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func mailChannel(s *smtpServer, mode string) *bunker.Channel {
	return &bunker.Channel{Name: "mail", Kind: bunker.ChannelMail, Settings: bunker.ChannelSettings{
		Target: "ops@example.org", From: "bunker@example.org", Server: s.addr, TLS: mode, User: "bunker",
	}}
}

func TestMailGoesByTLSWithItsPassword(t *testing.T) {
	cert, pool := authority(t)
	for mode, s := range map[string]*smtpServer{
		"starttls": {cert: cert, startTLS: true},
		"tls":      {cert: cert, implicit: true},
	} {
		newSMTP(t, s)
		said, err := mailer{dialer, &tls.Config{RootCAs: pool}}.send(t.Context(), mailChannel(s, mode), []byte("pässword"), aMessage())
		if err != nil || !strings.Contains(said, "took the mail") {
			t.Fatalf("%s: %q, %v", mode, said, err)
		}
		got := s.got()
		if len(got) != 1 {
			t.Fatalf("%s: %d mails", mode, len(got))
		}
		m := got[0]
		if !m.encrypted || m.user != "bunker" || m.pass != "pässword" || !strings.Contains(m.from, "<bunker@example.org>") || !strings.Contains(m.to, "<ops@example.org>") {
			t.Errorf("%s: %+v", mode, m)
		}
		parsed, err := mail.ReadMessage(strings.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(parsed.Body)
		if err != nil {
			t.Fatal(err)
		}
		h := parsed.Header
		if h.Get("Subject") != "nsecBunker: 3 questions wait for you." || h.Get("Message-ID") != "<nabcdefghjkmnpqrs@nsecbunker>" || h.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("%s: the header is %v", mode, h)
		}
		if !strings.Contains(string(body), "A question was answered.") {
			t.Errorf("%s: the body is %q", mode, body)
		}
	}
}

// TestNoMailGoesWithoutTLS: a server that offers none gets neither password nor
// mail, and neither does one whose certificate nobody vouches for.
func TestNoMailGoesWithoutTLS(t *testing.T) {
	cert, pool := authority(t)
	_, others := authority(t)
	plain := newSMTP(t, &smtpServer{cert: cert})
	if said, err := (mailer{dialer, &tls.Config{RootCAs: pool}}).send(t.Context(), mailChannel(plain, "starttls"), []byte("pw"), aMessage()); err == nil {
		t.Errorf("without TLS: %q", said)
	}
	for mode, s := range map[string]*smtpServer{"starttls": {cert: cert, startTLS: true}, "tls": {cert: cert, implicit: true}} {
		newSMTP(t, s)
		if said, err := (mailer{dialer, &tls.Config{RootCAs: others}}).send(t.Context(), mailChannel(s, mode), []byte("pw"), aMessage()); err == nil {
			t.Errorf("a certificate that nobody vouches for, %s: %q", mode, said)
		}
		if len(s.got()) != 0 {
			t.Error("mail went all the same")
		}
	}
	if len(plain.got()) != 0 {
		t.Error("mail went in the clear")
	}
}

func TestWhatAMailServerRefusesIsToldInItsWords(t *testing.T) {
	cert, pool := authority(t)
	s := newSMTP(t, &smtpServer{cert: cert, startTLS: true, refuse: true})
	m := mailer{dialer, &tls.Config{RootCAs: pool}}
	if _, err := m.send(t.Context(), mailChannel(s, "starttls"), []byte("wrong"), aMessage()); err == nil || !strings.Contains(err.Error(), "credentials are invalid") {
		t.Errorf("a wrong password: %v", err)
	}
	_, err := m.send(t.Context(), mailChannel(s, "starttls"), []byte("right"), aMessage())
	if err == nil || !strings.Contains(err.Error(), "nobody of that name") {
		t.Errorf("an unknown recipient: %v", err)
	}
	if strings.Contains(err.Error(), "right") {
		t.Errorf("the error holds the password: %v", err)
	}
}
