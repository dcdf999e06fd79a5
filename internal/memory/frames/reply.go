package frames

import (
	"fmt"

	"charmd/internal/jsontext"
)

// What a message of a server is.
const (
	ReturnOf = "task/return" // the end of a job: a result
	EffectOf = "task/effect" // for a subscription: a transaction that was committed
)

// Message is what a server sends: a Result for a Return, the invocation of the
// transaction for an Effect.
type Message struct {
	The string
	Of  string // id of the job
	Is  *jsontext.Object
}

// replyDepth allows for what a reply puts around an invocation as deep as a
// request may hold.
const replyDepth = 512 + 32

// ParseMessage reads one message of a server, up to twice MaxBytes: a reply may
// hold the current value beside the transaction it refuses.
func ParseMessage(data []byte) (Message, error) {
	v, err := jsontext.Parse(data, jsontext.Limits{Bytes: 2 * MaxBytes, Depth: replyDepth})
	if err != nil {
		return Message{}, fmt.Errorf("a message of the memory server: %w", err)
	}
	whole, _ := v.(*jsontext.Object)
	m := Message{The: text(whole, "the"), Of: text(whole, "of"), Is: object(whole, "is")}
	if m.Is == nil || m.The != ReturnOf && m.The != EffectOf {
		return Message{}, fmt.Errorf("a message of the memory server is neither a return nor an effect: %.80q", data)
	}
	return m, nil
}

// Result is what a Return says: the value of "ok", or the *Error of "error".
func (m Message) Result() (any, error) {
	if failure := object(m.Is, "error"); failure != nil {
		return nil, &Error{Name: text(failure, "name"), Message: text(failure, "message"), Body: failure}
	}
	ok, found := m.Is.Get("ok")
	if !found {
		return nil, fmt.Errorf("a return of the memory server has no result")
	}
	return ok, nil
}

// Names of errors on the wire (memory spec §7.7).
const (
	ConflictError      = "ConflictError"
	TransactionError   = "TransactionError"
	QueryError         = "QueryError"
	AuthorizationError = "AuthorizationError"
)

// Error is an error as the wire has it.
type Error struct {
	Name    string
	Message string // may be ""
	Body    *jsontext.Object
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// Return is the message that ends the job of with a result, given as text.
func Return(of string, result []byte) []byte { return Append(nil, ReturnOf, of, result) }

// Effect is the message that tells the subscription of of a transaction, given
// as the text of its invocation.
func Effect(of string, invocation []byte) []byte { return Append(nil, EffectOf, of, invocation) }

// Append appends the message with these members, the last given as text.
func Append(dst []byte, the, of string, is []byte) []byte {
	dst = append(append(dst, `{"the":"`...), the...)
	dst = jsontext.Append(append(dst, `","of":`...), of)
	dst = append(append(dst, `,"is":`...), is...)
	return append(dst, '}')
}
