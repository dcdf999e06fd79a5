// Package notify tells people outside that something has changed: it hands a
// notice of each transition to the operator's hook, a command or a webhook. It
// exists so that a transition is told exactly when it is on disk: the notice is
// written in the transition's own transaction and delivered from there, in
// order, again and again until the hook has taken it.
package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// Kind is what a notice tells.
type Kind string

// The kinds.
const (
	Disabled Kind = "disabled"        // a charm, by its failures or because it cannot run
	Account  Kind = "needs_reconnect" // an account must be connected again by a person
	Enabled  Kind = "enabled"         // a charm that was disabled works again
	NotReady Kind = "not_ready"       // the service cannot do its work
	Ready    Kind = "ready"           // the service works again
	Test     Kind = "test"            // a person tries the hook
)

// Notice is the JSON object that a hook is given.
type Notice struct {
	ID                  string           `json:"id"` // the same when a notice is delivered again
	At                  time.Time        `json:"at"`
	Kind                Kind             `json:"kind"`
	Charm               *Charm           `json:"charm,omitempty"` // not of notices about the service
	DisabledBy          charm.DisabledBy `json:"disabledBy,omitempty"`
	Reason              string           `json:"reason,omitempty"`
	Error               string           `json:"error,omitempty"`    // of the last run
	Position            string           `json:"position,omitempty"` // file.tsx:LINE:COL
	NextTry             *time.Time       `json:"nextTry,omitempty"`
	ConsecutiveFailures int              `json:"consecutiveFailures"`
	URL                 string           `json:"url"` // of the charm, or of the service
}

// Charm names the charm that a notice is about.
type Charm struct {
	Space       string `json:"space"` // DID
	SpaceName   string `json:"spaceName,omitempty"`
	CharmID     string `json:"charmId"`
	Name        string `json:"name"`
	Integration string `json:"integration"`
}

// Options configure a Notifier. Without Command and URL it tells nothing.
type Options struct {
	Store   store.Store
	Command string        // a program that reads the notice from its standard input
	URL     string        // takes the notice as the body of a POST
	Token   string        // bearer token for URL; "" for none
	Link    func() string // the service's address, for links
	Logger  *slog.Logger
	Now     func() time.Time

	Transport http.RoundTripper // to URL; nil is the network, without proxies
}

// Notifier delivers notices to one hook.
type Notifier struct {
	o    Options
	hook hook // nil: there is none
	wake chan struct{}

	mu     sync.Mutex
	inHand []store.Notice // what the store could not take
	sent   string         // delivered, and not yet taken out of the store
}

// The bounds of what waits to be told, each also in docs/notifications.md.
const (
	mostNotices  = 1000 // in the store
	mostInHand   = 100
	mostText     = 1000 // bytes of a reason or an error
	giveUpAfter  = 24 * time.Hour
	firstWait    = time.Second
	longestWait  = 5 * time.Minute
	storeRetry   = time.Second
	nothingToDo  = time.Hour
	deliveryTime = 10 * time.Second
)

// New makes a Notifier. A command that cannot be run is a *charm.Error with code
// usage.
func New(o Options) (*Notifier, error) {
	hook, err := newHook(o)
	if err != nil {
		return nil, err
	}
	return &Notifier{o: o, hook: hook, wake: make(chan struct{}, 1)}, nil
}

// Transition writes inside tx that a charm was disabled or enabled; s is its
// state after that, run the last run if one led to it.
func (n *Notifier) Transition(tx store.Tx, told state.Transition, c charm.Charm, s charm.State, run charm.Run) error {
	if n.hook == nil || told == state.None {
		return nil
	}
	return n.add(tx, n.ofCharm(told, c, s, run))
}

func (n *Notifier) ofCharm(told state.Transition, c charm.Charm, s charm.State, run charm.Run) Notice {
	notice := n.notice(Kind(told))
	notice.Charm = &Charm{Space: c.Space, SpaceName: c.SpaceName, CharmID: c.ID, Name: c.Name, Integration: c.Integration}
	notice.ConsecutiveFailures = s.ConsecutiveFailures
	notice.URL += "/" + spaceOf(c) + "/" + c.ID
	if told == state.Enabled {
		notice.Reason = "it works again"
	}
	if s.Disabled {
		notice.DisabledBy, notice.Reason = s.DisabledBy, capped(s.DisabledReason)
		notice.Error, notice.Position = capped(run.Error), run.Position
	}
	if !s.NextTry.IsZero() {
		at := s.NextTry.UTC()
		notice.NextTry = &at
	}
	return notice
}

func spaceOf(c charm.Charm) string {
	if c.SpaceName == "" {
		return c.Space
	}
	return c.SpaceName
}

func (n *Notifier) notice(kind Kind) Notice {
	now := n.o.Now().UTC()
	return Notice{ID: ulid.MustNew(ulid.Timestamp(now), rand.Reader).String(), At: now.Round(time.Millisecond), Kind: kind, URL: n.o.Link()}
}

func (n *Notifier) row(notice Notice) (store.Notice, error) {
	body, err := json.Marshal(notice)
	return store.Notice{ID: notice.ID, Body: string(body), Due: notice.At}, err
}

// add writes the notice inside tx, to be delivered once that is on disk.
func (n *Notifier) add(tx store.Tx, notice Notice) error {
	row, err := n.row(notice)
	if err != nil {
		return err
	}
	dropped, err := tx.AddNotice(row, mostNotices)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		if dropped > 0 {
			n.o.Logger.Warn("the notification hook has not taken anything for long; the oldest notice is dropped", "waiting", mostNotices)
		}
		n.look()
	})
	return nil
}

// look makes Run look for what is to be delivered.
func (n *Notifier) look() {
	select {
	case n.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Watch tells when the service becomes unable to do its work, and when it is able
// again, until ctx ends. unwell says why it is not; empty when it is. It goes on
// from what was told last before the service was started again.
func (n *Notifier) Watch(ctx context.Context, unwell func() []string) {
	if n.hook == nil {
		return
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for well := n.toldLast(ctx) != NotReady; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		reasons := unwell()
		if (len(reasons) == 0) == well {
			continue
		}
		well = !well
		n.ofService(ctx, reasons)
	}
}

// toldKey is the setting that names the kind of the last notice about the service.
const toldKey = "notified"

// toldLast is the kind of the last notice about the service that is on disk.
func (n *Notifier) toldLast(ctx context.Context) (kind Kind) {
	err := n.o.Store.View(ctx, func(r store.Reader) error {
		value, err := r.Value(toldKey)
		kind = Kind(value)
		return err
	})
	if err != nil && ctx.Err() == nil {
		n.o.Logger.Warn("what was told last of the service could not be read", "err", err)
	}
	return kind
}

// ofService tells that the service is unwell for the reasons, or well again. When
// the store cannot take the notice, which may be what there is to tell, it is kept
// in memory.
func (n *Notifier) ofService(ctx context.Context, reasons []string) {
	notice := n.notice(Ready)
	if len(reasons) > 0 {
		notice.Kind, notice.Reason = NotReady, capped(joined(reasons))
	}
	limited, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	if n.o.Store.Health() == nil && n.o.Store.Update(limited, func(tx store.Tx) error {
		if err := tx.SetValue(toldKey, string(notice.Kind)); err != nil {
			return err
		}
		return n.add(tx, notice)
	}) == nil {
		return
	}
	row, err := n.row(notice)
	if err != nil {
		n.o.Logger.Error("a notice could not be written", "kind", notice.Kind, "err", err)
		return
	}
	n.mu.Lock()
	if n.inHand = append(n.inHand, row); len(n.inHand) > mostInHand {
		n.inHand = n.inHand[1:]
	}
	n.mu.Unlock()
	n.look()
}
