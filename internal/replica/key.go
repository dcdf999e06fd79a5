package replica

import (
	"context"
	"errors"
	"io"
	"net/http"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/store"
)

// keyFor is the key that a space is used with: its own where its name and our key
// make it, which every toolshed lets in; else the one we use at this toolshed.
func (r *Replica) keyFor(ctx context.Context, did string) (*identity.Key, error) {
	var space charm.Space
	err := r.o.Store.View(ctx, func(v store.Reader) (err error) {
		space, err = v.Space(did)
		return err
	})
	if err != nil {
		return nil, err
	}
	if space.Name != "" {
		if own := r.o.Operator.Derive(space.Name); own.DID() == did {
			return own, nil
		}
	}
	return r.accessKey(ctx)
}

// accessKey is the operator's key. When none was named and the toolshed goes by the
// key that the original publishes, it is that one, as with the original service.
func (r *Replica) accessKey(ctx context.Context) (*identity.Key, error) {
	published := r.o.Operator.DID() == identity.ServiceDID
	if r.o.Given && (!published || r.o.Dev) {
		return r.o.Operator, nil
	}
	r.mu.Lock()
	known := r.access
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if err := r.connected(ctx); err != nil {
		return nil, err
	}
	did, err := r.theirDID(ctx)
	if err != nil {
		return nil, err
	}
	key := r.o.Operator
	if published && did != identity.ServiceDID {
		return nil, charm.Errorf(charm.CodeForbidden, "OPERATOR_PASS is the published passphrase, and the toolshed at %s goes by another key", r.o.URL).
			WithHint("leave it unset, or name a passphrase that is yours")
	}
	if did == identity.ServiceDID {
		key = identity.Service()
		r.o.Logger.Warn("the toolshed goes by the published key, so anyone who reaches it may read and write all of it; charmd uses that key there", "toolshed", r.o.URL)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access = key
	return key, nil
}

// connected waits for the connection.
func (r *Replica) connected(ctx context.Context) error {
	for {
		r.mu.Lock()
		down, ping := r.down, r.pings
		r.mu.Unlock()
		if down == nil {
			return nil
		}
		select {
		case <-ping:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// theirDID is the DID that the toolshed goes by.
func (r *Replica) theirDID(ctx context.Context) (string, error) {
	var meta struct {
		DID string `json:"did"`
	}
	body, status, err := r.get(ctx, "/api/meta", 64<<10)
	if err == nil && status == http.StatusOK {
		err = jsontext.Decode(body, &meta)
	}
	if err != nil {
		return "", charm.Errorf(charm.CodeUnavailable, "the toolshed at %s does not say who it is: %w", r.o.URL, err)
	}
	return meta.DID, nil
}

// get asks the toolshed for what stands at a path, of at most the given size.
func (r *Replica) get(ctx context.Context, path string, most int64) (body []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.o.URL+path, nil)
	if err != nil {
		return nil, 0, err
	}
	return r.do(req, most)
}

func (r *Replica) do(req *http.Request, most int64) (body []byte, status int, err error) {
	res, err := asking.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = charm.Errorf(charm.CodeTooLarge, "the answer to %s is more than %d bytes", req.URL.Path, most)
	}
	return body, res.StatusCode, err
}

// refused is an error of the toolshed with what to do about it when it does not
// let us in.
func (r *Replica) refused(err error, did string, key *identity.Key) error {
	e, ok := asCharmError(err)
	if !ok || e.Code != charm.CodeForbidden {
		return err
	}
	space := did
	if did == identity.SystemSpaceDID {
		space = "toolshed-system"
	}
	return e.WithHint("on that toolshed: charmd space grant %s %s write; or name a key that it knows with IDENTITY or OPERATOR_PASS", space, key.DID())
}

// forgotten is the error of a toolshed that does not have what it had.
func (r *Replica) forgotten(did string, documents int) error {
	return charm.Errorf(charm.CodeConflict, "the toolshed at %s does not have %d documents of the space %s any more that it had: it was restored from an older state, or is another one", r.o.URL, documents, did).
		WithHint("charmd start --adopt sets aside what is here and begins anew from what it has")
}

func asCharmError(err error) (*charm.Error, bool) { return errors.AsType[*charm.Error](err) }
