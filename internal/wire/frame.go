package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"charmd/internal/charm"
)

const (
	lengthBytes = 4
	fixedBytes  = 1 + 4    // type and head length, counted by the length
	chunkBytes  = 64 << 10 // what is allocated before any of a frame has arrived
	keepBytes   = 1 << 20  // largest buffer a Writer keeps between messages
)

// Violation is what the other side did that this protocol does not allow. Other
// errors of a Reader or Writer are those of the pipe.
type Violation struct {
	What string
}

// Error is the violation in words.
func (v *Violation) Error() string { return "wire: " + v.What }

// Violationf makes a Violation; the parent uses it for what only it can judge.
func Violationf(format string, args ...any) error {
	return &Violation{What: fmt.Sprintf(format, args...)}
}

// IsViolation reports whether err says that the other side broke the protocol.
func IsViolation(err error) bool {
	_, ok := errors.AsType[*Violation](err)
	return ok
}

// Writer writes messages. It is safe for concurrent use; each message is one
// Write to the pipe.
type Writer struct {
	mu  sync.Mutex
	to  io.Writer
	buf []byte
}

// NewWriter makes a Writer on a pipe.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Send writes one message. A message above its limits is refused with a
// Violation and nothing of it is written.
func (w *Writer) Send(m Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	frame, err := appendFrame(w.buf[:0], m)
	if err != nil {
		return err
	}
	if cap(frame) <= keepBytes {
		w.buf = frame
	}
	_, err = w.to.Write(frame)
	return err
}

// Reader reads the messages of one side.
type Reader struct {
	from Side
	in   *bufio.Reader
}

// NewReader makes a Reader of what the side named from writes into a pipe.
func NewReader(in io.Reader, from Side) *Reader {
	return &Reader{from: from, in: bufio.NewReaderSize(in, chunkBytes)}
}

// Next reads one message. At the end of the pipe it returns io.EOF between two
// frames and io.ErrUnexpectedEOF inside one. After any error the Reader is of no
// further use.
func (r *Reader) Next() (Message, error) {
	var fixed [lengthBytes + fixedBytes]byte
	if _, err := io.ReadFull(r.in, fixed[:]); err != nil {
		return nil, err
	}
	k, head, body, err := r.measure(fixed)
	if err != nil {
		return nil, err
	}
	content, err := r.take(head + body)
	if err != nil {
		return nil, err
	}
	m := k.blank()
	if err := decode(m, content[:head], content[head:]); err != nil {
		return nil, Violationf("%s: %v", k.name, err)
	}
	return m, nil
}

// measure judges a frame by its first bytes.
func (r *Reader) measure(fixed [lengthBytes + fixedBytes]byte) (k kind, head, body int, err error) {
	length := int64(binary.BigEndian.Uint32(fixed[:]))
	t := Type(fixed[lengthBytes])
	headLength := int64(binary.BigEndian.Uint32(fixed[lengthBytes+1:]))
	k, known := kinds[t]
	switch rest := length - fixedBytes - headLength; {
	case !known:
		err = Violationf("frame of unknown type %d", t)
	case k.from != r.from:
		err = Violationf("%s frame from the %s", k.name, r.from)
	case length > charm.MaxFrameBytes:
		err = Violationf("%s frame of %d bytes; at most %d are allowed", k.name, length, charm.MaxFrameBytes)
	case headLength > int64(k.maxHead):
		err = Violationf("%s head of %d bytes; at most %d are allowed", k.name, headLength, k.maxHead)
	case rest < 0:
		err = Violationf("%s frame is shorter than its head", k.name)
	case rest > int64(k.maxBody):
		err = Violationf("%s body of %d bytes; at most %d are allowed", k.name, rest, k.maxBody)
	default:
		return k, int(headLength), int(rest), nil
	}
	return kind{}, 0, 0, err
}

// take reads n bytes. Memory grows with what arrives, not with what was
// announced.
func (r *Reader) take(n int) ([]byte, error) {
	content := make([]byte, min(n, chunkBytes))
	for got := 0; ; {
		m, err := io.ReadFull(r.in, content[got:])
		if got += m; err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if got == n {
			return content, nil
		}
		grown := make([]byte, min(n, 2*len(content)))
		copy(grown, content)
		content = grown
	}
}
