package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"charmd/internal/charm"
)

const (
	// applicationID marks a database as charmd's ("chmd").
	applicationID = 0x63686d64
	// signature is how every SQLite database begins.
	signature = "SQLite format 3\x00"
	// headBytes is the length of an SQLite file's header.
	headBytes = 100
	// checkedBytes is the size up to which a database is checked page by page at
	// every start, checkedAfterCrash after an unclean stop; about a second per GB
	// of pages that the system has in memory.
	checkedBytes      = 32 << 20
	checkedAfterCrash = 512 << 20
)

// inspect looks at the files before SQLite does, which would repair in silence
// what a person should hear of: it takes an empty file for a new database and
// deletes the log beside it, and takes a database without its log for complete.
// It returns whether the database is new.
func inspect(path string, unclean bool) (fresh bool, err error) {
	log := sizeOf(path + "-wal")
	head, err := readHead(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && log > 0:
		return false, damaged(path, errors.New("it is gone, its log "+path+"-wal is still there"))
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, unusable(path, err)
	case len(head) == 0 && (log > 0 || unclean):
		return false, damaged(path, errors.New("it is empty, and was not before"))
	case len(head) == 0:
		return true, nil
	case !bytes.HasPrefix(head, []byte(signature)):
		return false, damaged(path, errors.New("it is not an SQLite database"))
	case log <= 0 && len(head) == headBytes && sizeOf(path)%pageSize(head) != 0:
		return false, damaged(path, errors.New("it is damaged: its end is missing"))
	case unclean && log < 0:
		return false, charm.Errorf(charm.CodeDataCorrupt,
			"the database %s lacks its newest changes: charmd ended without closing it, and its log %s-wal is gone", path, path).
			WithHint("put the log back; or, to go on without those changes, delete %s beside it", lockName)
	}
	return false, nil
}

// sizeOf is the size of the file in bytes, -1 when it is not there.
func sizeOf(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return -1
	}
	return info.Size()
}

// pageSize is the size of the pages that the file consists of, as the header says.
func pageSize(head []byte) int64 {
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size <= 1 {
		return 65536 // 1 stands for it, since it does not fit
	}
	return size
}

// readHead reads the file's header, or what there is of it.
func readHead(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(file, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// identify tells a new database (nothing in it) from ours and refuses others.
func identify(ctx context.Context, s *session) (fresh bool, err error) {
	id, err := s.number(ctx, "pragma application_id")
	if err != nil {
		return false, explain(err, s.path)
	}
	things, err := s.number(ctx, "select count(*) from sqlite_schema")
	if err != nil {
		return false, explain(err, s.path)
	}
	switch {
	case id == applicationID:
		return false, nil
	case id == 0 && things == 0:
		return true, nil
	}
	return false, damaged(s.path, errors.New("it belongs to another program"))
}

// check reads the whole database and compares its structure, unless it is so
// large that this would delay the start; damage is found then when it is read.
func check(ctx context.Context, s *session, unclean bool) error {
	limit := int64(checkedBytes)
	if unclean {
		limit = checkedAfterCrash
	}
	if max(sizeOf(s.path), 0)+max(sizeOf(s.path+"-wal"), 0) > limit {
		return nil
	}
	verdict, err := s.word(ctx, "pragma quick_check(1)")
	if err != nil {
		return explain(err, s.path)
	}
	if verdict != "ok" {
		return damaged(s.path, fmt.Errorf("it is damaged: %s", strings.ReplaceAll(verdict, "\n", " "))).WithHint(mendable)
	}
	return nil
}
