package notify

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"nsecbunker/internal/bunker"
)

// browser is a subscription of a browser, with its push service.
type browser struct {
	url  string
	key  *ecdh.PrivateKey
	auth []byte

	mu     sync.Mutex
	status int
	bodies [][]byte
	heads  []http.Header
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newBrowser(t testing.TB) (*browser, *http.Client) {
	t.Helper()
	b := &browser{auth: make([]byte, 16), status: http.StatusCreated}
	rand.Read(b.auth)
	var err error
	if b.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 8192))
		if err != nil {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.bodies, b.heads = append(b.bodies, body), append(b.heads, r.Header)
		w.WriteHeader(b.status)
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b, srv.Client()
}

// open decrypts a message as a browser does (RFC 8291, section 4; RFC 8188).
func (b *browser) open(t testing.TB, body []byte) []byte {
	t.Helper()
	salt, size := body[:16], binary.BigEndian.Uint32(body[16:20])
	n := int(body[20])
	server, rest := body[21:21+n], body[21+n:]
	if int(size) < len(rest) {
		t.Fatalf("a record of %d bytes in one of %d", len(rest), size)
	}
	pub, err := ecdh.P256().NewPublicKey(server)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := b.key.ECDH(pub)
	if err != nil {
		t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ikm := derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(server), 32)
	block, err := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcm.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), rest, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 { // the last record's delimiter
		t.Fatalf("the padding is %x", plain)
	}
	return plain[:len(plain)-1]
}

// vapid is a key pair as the bunker keeps it.
type vapid struct{ key *ecdh.PrivateKey }

func (v vapid) Vapid(context.Context) (string, []byte, error) {
	return b64(v.key.PublicKey().Bytes()), v.key.Bytes(), nil
}
func (vapid) Contact() string { return "https://bunker.example.org" }

// checkJWT verifies the token of RFC 8292 and returns its claims.
func checkJWT(t testing.TB, header string, pub []byte) map[string]any {
	t.Helper()
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, k, ok2 := strings.Cut(rest, ", k=")
	if !ok || !ok2 || k != b64(pub) {
		t.Fatalf("the header is %q", header)
	}
	parts := strings.Split(token, ".")
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(sig) != 64 {
		t.Fatal(err, len(sig))
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), pub)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Error("the token's signature is wrong")
	}
	var claims map[string]any
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func (b *browser) channel() *bunker.Channel {
	return &bunker.Channel{Name: "browser", Kind: bunker.ChannelPush, Settings: bunker.ChannelSettings{
		Target: b.url + "/send/abc", P256dh: b64(b.key.PublicKey().Bytes()),
	}}
}

func TestWebPushIsEncryptedForTheBrowserAndSigned(t *testing.T) {
	b, client := newBrowser(t)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	said, err := push{client, vapid{key}}.send(t.Context(), b.channel(), []byte(b64(b.auth)), aMessage())
	if err != nil || !strings.Contains(said, "201") {
		t.Fatalf("%q, %v", said, err)
	}
	var got pushBody
	if err := json.Unmarshal(b.open(t, b.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "nabcdefghjkmnpqrs" || got.Body != "3 questions wait for you.\nA question was answered." || !got.Urgent {
		t.Errorf("the browser reads %+v", got)
	}
	h := b.heads[0]
	if h.Get("Topic") != got.ID || h.Get("Urgency") != "high" || h.Get("TTL") != "86400" || h.Get("Content-Encoding") != "aes128gcm" {
		t.Errorf("the headers are %v", h)
	}
	claims := checkJWT(t, h.Get("Authorization"), key.PublicKey().Bytes())
	if claims["aud"] != b.url || claims["sub"] != "https://bunker.example.org" {
		t.Errorf("the claims are %v", claims)
	}
}

func TestASubscriptionThatEndedIsGivenUpAtOnce(t *testing.T) {
	b, client := newBrowser(t)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{http.StatusGone, http.StatusNotFound} {
		b.status = status
		if _, err := (push{client, vapid{key}}).send(t.Context(), b.channel(), []byte(b64(b.auth)), aMessage()); !errors.Is(err, ErrGone) {
			t.Errorf("%d: %v", status, err)
		}
	}
	b.status = http.StatusTooManyRequests
	if _, err := (push{client, vapid{key}}).send(t.Context(), b.channel(), []byte(b64(b.auth)), aMessage()); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("429: %v", err)
	}
}
