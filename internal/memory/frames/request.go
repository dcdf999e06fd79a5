package frames

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// Request is an invocation with the authorization to carry it out.
type Request struct {
	*Invocation
	Access    *jsontext.Object // references of what was signed; nil when there is none
	Signature []byte
}

// ErrMalformed is wrapped by every error of ParseRequest: the text is no request,
// and its sender gets no answer to it.
var ErrMalformed = errors.New("not a request of the memory protocol")

// Unauthorized is why a request is answered with an AuthorizationError, in the
// words of the wire.
type Unauthorized string

// What Verify finds.
const (
	ErrNotIncluded Unauthorized = "Authorization does not include claimed access"
	ErrIssuer      Unauthorized = "Could not create issuer key"
	ErrSignature   Unauthorized = "the signature is not the issuer's" // the wire keeps it to itself
)

func (u Unauthorized) Error() string { return string(u) }

// ParseRequest reads one message to a server, within MaxBytes and jsontext's
// depth. Whether it is authorized is for Verify to say.
func ParseRequest(data []byte) (*Request, error) {
	v, err := jsontext.Parse(data, jsontext.Limits{Bytes: MaxBytes})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return RequestOf(v)
}

// RequestOf is ParseRequest of what was parsed already.
func RequestOf(v any) (*Request, error) {
	whole, _ := v.(*jsontext.Object)
	invocation, authorization := object(whole, "invocation"), object(whole, "authorization")
	if invocation == nil {
		return nil, fmt.Errorf("%w: it has no invocation", ErrMalformed)
	}
	bytes, ok := object(object(authorization, "signature"), "/").Get("bytes")
	encoded, isText := bytes.(string)
	if !ok || !isText {
		return nil, fmt.Errorf("%w: it has no signature", ErrMalformed)
	}
	signature, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil, fmt.Errorf("%w: its signature is not in base64", ErrMalformed)
	}
	return &Request{Invocation: received(invocation), Access: object(authorization, "access"), Signature: signature}, nil
}

// Verify reports whether the issuer signed the invocation: nil, ErrNotIncluded,
// ErrIssuer or ErrSignature. What the issuer may do is another question.
func (r *Request) Verify() error {
	claimed, _ := r.Access.Get(r.Ref.String())
	if !truthy(claimed) {
		return ErrNotIncluded
	}
	issuer, err := identity.ParseDID(r.Iss)
	if err != nil {
		return ErrIssuer
	}
	if !issuer.Verify(merkle.Refer(r.Access).Bytes(), r.Signature) {
		return ErrSignature
	}
	return nil
}

// truthy is JavaScript's.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	return true
}

// Sign is the text of the request for i, signed with its issuer's key.
func Sign(i *Invocation, key *identity.Key) []byte {
	access := jsontext.NewObject()
	access.Set(i.Ref.String(), jsontext.NewObject())
	signature := base64.RawStdEncoding.EncodeToString(key.Sign(merkle.Refer(access).Bytes()))
	text := append([]byte(`{"invocation":`), jsontext.Append(nil, i.Object)...)
	text = append(text, `,"authorization":{"access":`...)
	text = jsontext.Append(text, access)
	text = append(text, `,"signature":{"/":{"bytes":"`...)
	return append(append(text, signature...), `"}}}}`...)
}
