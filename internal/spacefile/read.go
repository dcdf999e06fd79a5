package spacefile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/recipe"
	"charmd/internal/schedule"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// File is what a file holds; all of it has been checked.
type File struct {
	Header
	Facts   []Fact
	Recipes []charm.Recipe
	Charms  []Charm
}

// Fact is a fact with its value, a jsontext value.
type Fact struct {
	store.Fact
	Value any
}

// mostLine is the length of the longest line: a document with what stands around it.
const mostLine = charm.MaxDocumentBytes + 64<<10

// Read reads a file and checks it: the references of facts and the ids of recipes
// against what they are of, that charms have their documents and recipes, and that
// nothing is missing or behind the end. An error is a *charm.Error with
// CodeInvalid, or CodeTooLarge, that names the line.
func Read(from io.Reader) (File, error) {
	r := &reader{facts: map[[2]string]bool{}, recipes: map[string]bool{}, charms: map[string]bool{}, sum: sha256.New()}
	lines := bufio.NewScanner(io.LimitReader(from, charm.MaxSpaceFileBytes+1))
	lines.Buffer(make([]byte, 0, 64<<10), mostLine)
	lines.Split(wholeLines)
	total := 0
	for lines.Scan() {
		r.lines++
		if total += len(lines.Bytes()); total > charm.MaxSpaceFileBytes {
			return File{}, charm.Errorf(charm.CodeTooLarge, "line %d: the file is larger than %d MiB, which is the most that is imported", r.lines, charm.MaxSpaceFileBytes>>20)
		}
		if err := r.line(lines.Bytes()); err != nil {
			return File{}, at(r.lines, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return File{}, charm.Errorf(charm.CodeTooLarge, "line %d is longer than a document can be", r.lines+1)
	}
	if err := lines.Err(); err != nil {
		return File{}, err
	}
	if !r.ended {
		return File{}, charm.Errorf(charm.CodeInvalid, "line %d: the file ends before its last line: it was cut", r.lines+1)
	}
	return r.file, nil
}

func at(n int, err error) error {
	if e, ok := errors.AsType[*charm.Error](err); ok {
		return charm.Errorf(e.Code, "line %d: %w", n, err)
	}
	return charm.Errorf(charm.CodeInvalid, "line %d: %w", n, err)
}

// wholeLines splits into lines with their ends, since the digest is of them too.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

type reader struct {
	file    File
	lines   int
	ended   bool
	facts   map[[2]string]bool // by of, the
	recipes map[string]bool
	charms  map[string]bool // ids and names
	sum     hash.Hash
}

func (r *reader) line(text []byte) error {
	if r.lines == 1 {
		r.sum.Write(text)
		return r.header(text)
	}
	if r.ended {
		return errors.New("there is something behind the last line")
	}
	var l line
	if err := decode(text, &l); err != nil {
		return err
	}
	if l.End != nil {
		return r.end(*l.End)
	}
	r.sum.Write(text)
	switch {
	case l.Fact != nil:
		return r.fact(*l.Fact)
	case l.Recipe != nil:
		return r.recipe(*l.Recipe)
	case l.Charm != nil:
		return r.charm(*l.Charm)
	}
	return errors.New("it is neither a fact, a recipe, a charm nor the end")
}

func decode(text []byte, v any) error {
	if err := jsontext.CheckDepth(text, charm.MaxDepth); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("it is not JSON of the form expected here: %w", err)
	}
	if len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return errors.New("there is more than one JSON value on it")
	}
	return nil
}

func (r *reader) header(text []byte) error {
	h := &r.file.Header
	if err := decode(text, h); err != nil || h.Version == 0 {
		return charm.Errorf(charm.CodeInvalid, "this is not a file of charmd space export")
	}
	if h.Version != Version {
		return fmt.Errorf("the file has form %d and this charmd reads form %d", h.Version, Version)
	}
	if _, err := identity.ParseDID(h.DID); err != nil {
		return fmt.Errorf("the space's DID: %w", err)
	}
	return nil
}

func (r *reader) fact(l factLine) (err error) {
	f := Fact{Fact: store.Fact{The: l.The, Of: l.Of, Is: l.Is}}
	key := [2]string{l.Of, l.The}
	switch {
	case l.The == "" || l.Of == "":
		return errors.New("a fact is of something, and says what kind it is")
	case l.The == memory.CommitJSON || l.Of == r.file.DID:
		return fmt.Errorf("a file holds no %s of the space itself", l.The)
	case r.facts[key]:
		return fmt.Errorf("a second %s of %s", l.The, l.Of)
	case len(l.Is) > charm.MaxDocumentBytes:
		return charm.Errorf(charm.CodeTooLarge, "%s of %s is larger than %d bytes", l.The, l.Of, charm.MaxDocumentBytes)
	}
	r.facts[key] = true
	ref, err := merkle.ParseString(l.Ref)
	if err != nil {
		return fmt.Errorf("ref: %w", err)
	}
	cause, err := merkle.ParseString(l.Cause)
	if err != nil {
		return fmt.Errorf("cause: %w", err)
	}
	f.Ref, f.Cause = ref, cause
	if l.Is != nil {
		if f.Value, err = jsontext.Parse(l.Is, jsontext.DefaultLimits); err != nil {
			return err
		}
		f.Is = jsontext.Append(nil, f.Value)
	}
	if memory.Reference(f.Fact, f.Value, l.Is == nil) != ref {
		return fmt.Errorf("%s of %s is not what its reference says: it has been changed", l.The, l.Of)
	}
	r.file.Facts = append(r.file.Facts, f)
	return nil
}

func (r *reader) recipe(l recipeLine) error {
	if r.recipes[l.ID] {
		return fmt.Errorf("a second recipe %s", l.ID)
	}
	if recipe.ID(l.Source) != l.ID {
		return fmt.Errorf("recipe %s is not what its id says: it has been changed", l.ID)
	}
	if err := recipe.Check(wire.CompileRequest{Entry: l.Name, Files: map[string]string{l.Name: l.Source}}); err != nil {
		return err
	}
	r.recipes[l.ID] = true
	r.file.Recipes = append(r.file.Recipes, charm.Recipe{ID: l.ID, Name: l.Name, Source: l.Source, Files: l.Files})
	return nil
}

func (r *reader) charm(c Charm) error {
	switch _, err := merkle.ParseLink(c.ID); {
	case err != nil:
		return fmt.Errorf("charm %q: %w", c.ID, err)
	case !r.facts[[2]string{memory.Of(c.ID), memory.JSON}]:
		return fmt.Errorf("charm %s has no document in this file", c.ID)
	case !r.recipes[c.Recipe]:
		return fmt.Errorf("charm %s has the recipe %s, which is not in this file", c.ID, c.Recipe)
	case r.charms[c.ID] || c.Name != "" && r.charms[c.Name]:
		return fmt.Errorf("a second charm %s %s", c.ID, c.Name)
	case c.Timeout < 0 || c.Timeout > charm.MaxTimeout:
		return fmt.Errorf("charm %s has a timeout of %v", c.ID, c.Timeout)
	case c.Schedule.Cron == "" && c.Schedule.Every < charm.MinEvery:
		return fmt.Errorf("charm %s runs every %v; the least is %v", c.ID, c.Schedule.Every, charm.MinEvery)
	case c.Priority < -charm.MaxPriority || c.Priority > charm.MaxPriority:
		return fmt.Errorf("charm %s has the priority %d", c.ID, c.Priority)
	}
	if bad := schedule.Unusable(c.Schedule); bad.Is() {
		return fmt.Errorf("charm %s: %s", c.ID, bad.Why)
	}
	r.charms[c.ID], r.charms[c.Name] = true, true
	r.file.Charms = append(r.file.Charms, c)
	return nil
}

func (r *reader) end(l endLine) error {
	r.ended = true
	if l.Lines != r.lines-1 {
		return fmt.Errorf("the file has %d lines before this one and should have %d: some are missing, or too many", r.lines-1, l.Lines)
	}
	if !strings.EqualFold(l.Digest, hex.EncodeToString(r.sum.Sum(nil))) {
		return errors.New("the lines before this one do not add up to its sha256: the file has been changed")
	}
	return nil
}
