// Package webhook posts notices to an operator's endpoint, signed as Standard Webhooks 1.0
// says (standardwebhooks.com): webhook-id, which is the notice's and stays the same however
// often it is sent, webhook-timestamp, webhook-signature `v1,…`; a body of type, timestamp
// and data.
//
// It goes to no host but those that are allowed, follows no redirect, uses no proxy, and
// checks each address at the moment when it is dialled: a name that leads to a private
// address later than it was looked up leads nowhere.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mandate/shared/config"
	"mandate/shared/notify"
)

const (
	dialWithin  = 3 * time.Second
	replyWithin = 8 * time.Second // dialling included
	attempts    = 3               // of one notice, each time that it is told
	firstPause  = 500 * time.Millisecond
	replyBytes  = 4 << 10 // as much of a reply is read, so that the connection can be used again
)

// Target is an endpoint.
type Target struct {
	url    string
	signer *standard.Webhook
	client *http.Client
	log    *slog.Logger
	pause  time.Duration // before the second attempt; doubled each time
	now    func() time.Time
}

// New makes a Target.
func New(c config.Webhook, log *slog.Logger) (*Target, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the webhook's URL is none")
	}
	if !slices.Contains(c.Hosts, strings.ToLower(u.Hostname())) {
		return nil, fmt.Errorf("webhook: host %s is not allowed", u.Hostname())
	}
	signer, err := standard.NewWebhook(c.Secret.Reveal())
	if err != nil {
		return nil, errors.New("the webhook's secret is no base64") // the library's message may quote it
	}
	dialer := &net.Dialer{Timeout: dialWithin, Control: func(_, address string, _ syscall.RawConn) error {
		return admit(address, c.PrivateAddresses)
	}}
	return &Target{
		url: c.URL, signer: signer, log: log, pause: firstPause, now: time.Now,
		client: &http.Client{
			Timeout: replyWithin,
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSHandshakeTimeout: dialWithin, ForceAttemptHTTP2: true,
				IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// errRefused is what the endpoint will not take however often it is sent.
var errRefused = errors.New("refused")

// Tell posts all notices in their order. When one cannot be told, neither are those after
// it, so that the order holds when they are given again. What the endpoint refuses by a
// status of its own (4xx, a redirect) is passed over with a line in the log: it would hold
// up the others for ever.
func (t *Target) Tell(ctx context.Context, notices []notify.Notice) []error {
	errs := make([]error, len(notices))
	for n, notice := range notices {
		err := t.tell(ctx, notice)
		if errors.Is(err, errRefused) {
			t.log.ErrorContext(ctx, "webhook", "notice", notice.ID, "type", notice.Type, "cause", err.Error())
			continue
		}
		if err != nil {
			for i := n; i < len(notices); i++ {
				errs[i] = fmt.Errorf("post notice %s: %w", notice.ID, err)
			}
			break
		}
	}
	return errs
}

func (t *Target) tell(ctx context.Context, n notify.Notice) (err error) {
	body, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{n.Type, n.At.UTC().Format(time.RFC3339Nano), n.Detail})
	if err != nil {
		return err
	}
	for try := range attempts {
		if try > 0 && !wait(ctx, t.pause<<(try-1)) {
			return ctx.Err()
		}
		if err = t.post(ctx, n.ID, body); err == nil || errors.Is(err, errRefused) {
			return err
		}
	}
	return err
}

func (t *Target) post(ctx context.Context, id string, body []byte) error {
	now := t.now()
	signature, err := t.signer.Sign(id, now, body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "mandate")
	r.Header.Set(standard.HeaderWebhookID, id)
	r.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standard.HeaderWebhookSignature, signature)
	reply, err := t.client.Do(r)
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // without the URL, whose path or query may be a secret of the endpoint
		}
		return err
	}
	_, _ = io.CopyN(io.Discard, reply.Body, replyBytes) // what it says is of no use to us
	_ = reply.Body.Close()
	switch s := reply.StatusCode; {
	case s < 300:
		return nil
	case s == http.StatusRequestTimeout || s == http.StatusTooEarly || s == http.StatusTooManyRequests || s >= 500:
		return fmt.Errorf("the endpoint answered %d", s)
	default:
		return fmt.Errorf("%w: the endpoint answered %d", errRefused, s)
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
