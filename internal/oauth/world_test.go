package oauth

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/fakegoogle"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
	"charmd/internal/vault"
)

// world is accounts at a Google within the process, on a clock of the test's.
type world struct {
	*Accounts
	t      testing.TB
	google *fakegoogle.Google
	db     *sqlite.DB
	vault  *vault.Vault
	clock  *clock
	skewed time.Duration // how far our clock is from Google's
	full   bool          // the disk takes nothing

	mu       sync.Mutex
	writings int // transactions of the database that were begun
	cells    map[string][]byte

	telling  sync.Mutex
	lost     []charm.Connection
	restored int
	counted  map[string]int // what was told to be counted
}

func (w *world) count(what string) {
	w.telling.Lock()
	defer w.telling.Unlock()
	w.counted[what]++
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const (
	home = "did:key:z6MkHome"
	away = "did:key:z6MkAway"
)

var mail = charm.Charm{Space: home, ID: "baedremail", Name: "mail"}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}, cells: map[string][]byte{}, counted: map[string]int{}}
	w.google = fakegoogle.New(w.clock.now)
	var err error
	w.db, err = sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Faults: func(p sqlite.Point) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if p == sqlite.Beginning {
			w.writings++
		}
		if w.full && p == sqlite.Beginning {
			return full{}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	if w.vault, err = vault.Open(t.Context(), vault.Options{Store: w.db, Dir: t.TempDir(), Now: w.now}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	return w
}

// full is the database's error when the disk is.
type full struct{}

func (full) Error() string { return "injected: disk full" }
func (full) Code() int     { return 13 }

func (w *world) now() time.Time { return w.clock.now().Add(w.skewed) }

// restart is the service dying, and being started again with what is on disk.
func (w *world) restart() {
	w.t.Helper()
	table, err := Table(w.google.Table())
	if err != nil {
		w.t.Fatal(err)
	}
	google := table["google"]
	google.ClientID, google.ClientSecret = fakegoogle.ClientID, fakegoogle.ClientSecret
	table["google"] = google
	w.Accounts, err = Open(w.t.Context(), Options{
		Store: w.db, Vault: w.vault, Providers: table, Cells: w, HTTP: func(Provider) http.RoundTripper { return w.google },
		Lost: func(_ store.Tx, c charm.Connection) error {
			w.telling.Lock()
			defer w.telling.Unlock()
			w.lost = append(w.lost, c)
			return nil
		},
		Restored: func(store.Tx, charm.Connection) error {
			w.telling.Lock()
			defer w.telling.Unlock()
			w.restored++
			return nil
		},
		Refreshed: func(provider, outcome string) { w.count("refresh " + provider + " " + outcome) },
		Answered:  func(result string) { w.count("answer " + result) },
		Timeout:   10 * time.Second, Logger: slog.New(slog.DiscardHandler), Now: w.now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// written is how many transactions the database has begun.
func (w *world) written() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writings
}

func cellKey(space string, at charm.AuthCell) string {
	return space + " " + at.ID + " " + strings.Join(at.Path, "/")
}

func (w *world) ReadCell(_ store.Reader, space string, at charm.AuthCell) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cells[cellKey(space, at)], nil
}

func (w *world) ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func([]byte) []byte, then func(store.Tx) error) error {
	return w.db.Update(ctx, func(tx store.Tx) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		value := change(w.cells[cellKey(space, at)])
		if then != nil {
			if err := then(tx); err != nil {
				return err
			}
		}
		if value != nil {
			w.cells[cellKey(space, at)] = value
		}
		return nil
	})
}

// writes is a recipe or a page that makes value what the auth cell holds.
func (w *world) writes(value []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cells[cellKey(home, authPlace)] = value
}

var authPlace = charm.AuthCell{ID: "baedreauth", Path: []string{"auth"}}

func (w *world) cell() (d authData) {
	w.t.Helper()
	text, _ := w.ReadCell(nil, home, authPlace)
	if err := json.Unmarshal(text, &d); err != nil {
		w.t.Fatalf("the cell is %s: %v", text, err)
	}
	return d
}

// allow is the person allowing the access on Google's page.
func (w *world) allow(begun Begun) Answer {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.google.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, begun.URL, nil))
	to, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || rec.Code != http.StatusFound {
		w.t.Fatalf("Google answered %d: %s", rec.Code, rec.Body)
	}
	q := to.Query()
	return Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error")}
}

func (w *world) begin(session string) Begun {
	w.t.Helper()
	begun, err := w.Begin(w.t.Context(), "google", Target{Space: home, Charm: mail.ID, Cell: authPlace}, "http://127.0.0.1:8000/back", session)
	if err != nil {
		w.t.Fatal(err)
	}
	return begun
}

func (w *world) connect() Connected {
	w.t.Helper()
	conn, err := w.Finish(w.t.Context(), "google", "mine", w.allow(w.begin("mine")))
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// outgoing is a request to the Google with the token in the cell.
func (w *world) outgoing(token string) *egress.Outgoing {
	return &egress.Outgoing{
		Host: w.google.Host, Port: 443, Secure: true, First: true, Header: http.Header{"Authorization": {"Bearer " + token}},
	}
}

// lent is the token that a request of the charm with the cell's token carries.
func (w *world) lentTo(c charm.Charm, out *egress.Outgoing) (string, egress.Loan, error) {
	loan, err := w.Credentials(c).Lend(w.t.Context(), "", out)
	token, _ := strings.CutPrefix(out.Header.Get("Authorization"), "Bearer ")
	return token, loan, err
}

// asks makes a request to an API of the Google as egress does, and says what it
// answered; 0 when nothing was sent.
func (w *world) asks() (int, error) {
	w.t.Helper()
	for again := true; ; again = false {
		out := w.outgoing(w.cell().Token)
		_, loan, err := w.lentTo(mail, out)
		if err != nil {
			return 0, err
		}
		req := httptest.NewRequest(http.MethodGet, w.google.URL+"/v1/userinfo", nil)
		req.Header = out.Header
		rec := httptest.NewRecorder()
		w.google.ServeHTTP(rec, req)
		if loan == nil {
			return rec.Code, nil
		}
		more, err := loan.Judge(w.t.Context(), rec.Code, rec.Header(), rec.Body.Bytes())
		if err != nil || !more || !again {
			return rec.Code, err
		}
	}
}

// runs is one run of the charm that asks once.
func (w *world) runs() error {
	w.t.Helper()
	if err := w.Prepare(w.t.Context(), mail, 30*time.Second); err != nil {
		return err
	}
	if at := w.cell().ExpiresAt; at < w.now().Add(30*time.Second).UnixMilli() {
		w.t.Errorf("at %v the cell says that the token ends at %v", w.now(), time.UnixMilli(at).UTC())
	}
	status, err := w.asks()
	if err == nil && status != http.StatusOK {
		w.t.Errorf("at %v the API answered %d", w.now(), status)
	}
	return err
}

func (w *world) runsOK() {
	w.t.Helper()
	if err := w.runs(); err != nil {
		w.t.Fatalf("at %v: %v", w.now(), err)
	}
}

// reconnect is why a person must connect again, "" when nobody must.
func reconnect(err error) string {
	if w, ok := err.(*egress.Withheld); ok && w.Reconnect {
		return w.Message
	}
	return ""
}

func (w *world) refreshes() int { return w.google.Asked("/token") }
