package runcharm

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// Recording is what a run followed from, besides its id and the documents: those
// are found again in the facts, as of the commit Since.
type Recording struct {
	Recipe   string            `json:"recipe"`
	Since    int64             `json:"since"`
	Now      int64             `json:"now"` // start of the run's clock, ms since 1970
	APIURL   string            `json:"apiUrl"`
	Occasion string            `json:"occasion"`
	Stream   []string          `json:"stream"`
	Event    json.RawMessage   `json:"event"`
	Timeout  time.Duration     `json:"timeout"`
	Requests []egress.Recorded `json:"requests,omitempty"`
}

// recording is what the attempt that has just ended followed from.
func (s *Session) recording(since int64) *Recording {
	return &Recording{
		Recipe: s.recipe.ID, Since: since, Now: s.started.UnixMilli(), APIURL: s.runner.apiURL(), Occasion: s.work.Occasion,
		Stream: s.work.Stream, Event: s.work.Event, Timeout: s.work.Timeout, Requests: s.replies.Recorded(charm.MaxRecordingBytes),
	}
}

// packAbove is the size from which a recording is compressed; most runs leave a
// few hundred bytes, which would only grow.
const packAbove = 4 << 10

// packed is the first byte of what is compressed; other recordings are JSON.
const packed = 1

// Encode is the stored form.
func (r *Recording) Encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil || len(text) < packAbove {
		return text, err
	}
	out := bytes.NewBuffer([]byte{packed})
	w, err := flate.NewWriter(out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// DecodeRecording reads the stored form.
func DecodeRecording(body []byte) (r Recording, err error) {
	if len(body) > 0 && body[0] == packed {
		const most = 4 * charm.MaxRecordingBytes // base64, heads of requests
		if body, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body[1:])), most)); err != nil {
			return r, fmt.Errorf("the recording: %w", err)
		}
	}
	if err = jsontext.CheckDepth(body, charm.MaxDepth); err == nil {
		err = json.Unmarshal(body, &r)
	}
	if err != nil {
		return r, fmt.Errorf("the recording: %w", err)
	}
	return r, nil
}

// Again prepares a session that makes a run once more from its recording: with
// the documents as they were, and nothing asked of the network. program is the
// recipe to run, nil for the one that ran. Nothing of it may be committed.
func (r *Runner) Again(ctx context.Context, run string, c charm.Charm, rec Recording, program *charm.Recipe) (*Session, error) {
	c.Recipe = rec.Recipe
	s, err := r.Open(ctx, Work{
		Run: run, Occasion: rec.Occasion, Mode: wire.ModeEvent, Charm: c, Recipe: program, Stream: rec.Stream, Event: rec.Event,
		Timeout: rec.Timeout, Replies: egress.NewTape(rec.Requests),
	})
	if err != nil {
		return nil, err
	}
	s.started, s.asOf, s.as = time.UnixMilli(rec.Now), &rec, rec.Recipe
	return s, nil
}

// asItWas is the state of a document as of the run's commit, the zero Fact when
// it did not exist; ErrForgotten when retention has taken it.
func asItWas(r store.Reader, space charm.Space, of string) (store.Fact, error) {
	fact, err := r.FactAsOf(space.Row, memory.JSON, of, space.Since)
	switch {
	case errors.Is(err, store.ErrForgotten):
		return fact, ErrForgotten
	case errors.Is(err, store.ErrNotFound):
		return store.Fact{}, nil
	}
	return fact, err
}

// ErrForgotten is in the error of a run that cannot be made again, because of a
// document that is not kept as it was.
var ErrForgotten = errors.New("a document is not kept any more as it was then")
