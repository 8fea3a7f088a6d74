package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/wneessen/go-mail"

	"nsecbunker/internal/bunker"
)

// mailer sends e-mail by SMTP, over TLS only: from the first byte, or by STARTTLS,
// without which nothing is sent. The secret is the password.
type mailer struct {
	dial DialFunc
	tls  *tls.Config // nil: the system's roots
}

func (s mailer) send(ctx context.Context, c *bunker.Channel, secret []byte, m *Message) (string, error) {
	set := &c.Settings
	msg, err := letter(set, m)
	if err != nil {
		return "", err
	}
	// The library leaves a connection open where it fails before it has logged in,
	// and does not look at ctx once it has one: both are seen to here.
	var h held
	defer h.close()
	client, err := mailer{h.dialer(s.dial), s.tls}.client(set, secret)
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, h.close)
	defer stop()
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", fmt.Errorf("%s was not reached: %w", bunker.Display(set.Server, maxAnswer), err)
	}
	err = client.SendWithSMTPClient(conn, msg)
	// What was taken is taken, whatever becomes of the goodbye.
	_ = client.CloseWithSMTPClient(conn)
	if err != nil {
		return "", fmt.Errorf("%s did not take the mail: %w", bunker.Display(set.Server, maxAnswer), err)
	}
	return bunker.Display(set.Server, maxAnswer) + " took the mail", nil
}

// letter is the message as mail (RFC 5322).
func letter(set *bunker.ChannelSettings, m *Message) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(set.From), msg.To(set.Target)); err != nil {
		return nil, errors.New("its addresses cannot be used")
	}
	subject := m.Title
	if len(m.Lines) > 0 {
		subject += ": " + m.Lines[0]
	}
	msg.Subject(subject)
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(string(m.ID) + "@nsecbunker") // the same when it is sent again
	msg.SetGenHeader("Auto-Submitted", "auto-generated")    // RFC 3834: nobody answers it by a machine
	if m.Urgent {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text()+"\n")
	return msg, nil
}

func (s mailer) client(set *bunker.ChannelSettings, secret []byte) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(set.Server)
	if err != nil {
		return nil, errors.New("its server is no address")
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, errors.New("its server is no address")
	}
	conf := &tls.Config{}
	if s.tls != nil {
		conf = s.tls.Clone()
	}
	conf.ServerName, conf.MinVersion = host, tls.VersionTLS12
	options := []mail.Option{
		mail.WithPort(n), mail.WithTimeout(sendTimeout), mail.WithTLSConfig(conf), mail.WithHELO("nsecbunker.invalid"), mail.WithoutNoop(),
	}
	if set.TLS == "tls" {
		options = append(options, mail.WithSSL(), mail.WithDialContextFunc(s.dialTLS(conf)))
	} else {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithDialContextFunc(mail.DialContextFunc(s.dial)))
	}
	if set.User != "" {
		// The library takes the password as text: a copy that is not wiped.
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin),
			mail.WithUsername(set.User), mail.WithPassword(string(secret)))
	}
	return mail.NewClient(host, options...)
}

// dialTLS begins with TLS (RFC 8314, section 3.3).
func (s mailer) dialTLS(conf *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return t, nil
	}
}

// held is the connection of one try.
type held struct {
	mu    sync.Mutex
	conn  net.Conn
	ended bool
}

func (h *held) dialer(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.ended {
			return nil, errors.Join(context.Canceled, conn.Close())
		}
		h.conn = conn
		return conn, nil
	}
}

// close ends the connection, and whoever reads from it. It may be closed already.
func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	if h.conn != nil {
		_ = h.conn.Close() // all that was to be said was said, or cannot be
	}
}
