package oauth

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxAnswer bounds what is read of an answer; x/oauth2 reads no more of one.
const maxAnswer = 1 << 20

// readable gives x/oauth2 the answers of a provider in a form that it reads. It gives up
// an answer as a whole, and the rotated refresh token in it, when one member is not of
// the type that it expects, takes JSON that is called a plain text for a form, and says
// of a form's token by its own clock alone when it ends.
type readable struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t readable) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if members := membersOf(res.Header.Get("Content-Type"), body); members != nil {
		res.Header.Set("Content-Type", "application/json")
		body = plainly(members)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// membersOf is what an answer says, as JSON or as a form; nil when it is neither.
func membersOf(contentType string, body []byte) (members map[string]json.RawMessage) {
	if json.Unmarshal(body, &members) == nil {
		return members
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	form, err := url.ParseQuery(string(body))
	if err != nil || kind != "application/x-www-form-urlencoded" && kind != "text/plain" {
		return nil
	}
	members = map[string]json.RawMessage{}
	for name := range form {
		members[name] = mustJSON(form.Get(name))
	}
	return members
}

// plainly is an answer that says in whole seconds how long things live, and leaves out
// the type of its token when that is no text.
func plainly(members map[string]json.RawMessage) []byte {
	for name, value := range members {
		switch strings.ToLower(name) {
		case "expires_in", "refresh_token_expires_in":
			members[name] = strconv.AppendInt(nil, seconds(value), 10)
		case "token_type":
			if !bytes.HasPrefix(value, []byte(`"`)) {
				delete(members, name)
			}
		}
	}
	return mustJSON(members)
}

// seconds is how long something lives, said as a number or as a text; 0 for what is
// neither, and so not known.
func seconds(value json.RawMessage) int64 {
	n, _ := strconv.ParseFloat(strings.Trim(string(value), `" `), 64) // of one that is too large, infinity
	if !(n > 0) {
		return 0
	}
	return int64(min(n, math.MaxInt32))
}
