package oauth

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"charmd/internal/fakegoogle"
)

// odd is a provider whose token endpoint says the same in another way.
type odd struct {
	http.RoundTripper
	say func(answer map[string]any) (contentType, text string)
}

func (o odd) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := o.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/token") || res.StatusCode != http.StatusOK {
		return res, err
	}
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	kind, text := o.say(answer)
	res.Header.Set("Content-Type", kind)
	res.Body = io.NopCloser(strings.NewReader(text))
	return res, nil
}

// with is an answer in which a member is the JSON text instead, "" for none.
func with(name, text string) func(map[string]any) (string, string) {
	return func(answer map[string]any) (string, string) {
		delete(answer, name)
		if text != "" {
			answer[name] = json.RawMessage(text)
		}
		return "application/json", string(mustJSON(answer))
	}
}

func form(answer map[string]any) (string, string) {
	values := url.Values{"expires_in": {"3599"}, "access_token": {answer["access_token"].(string)}, "scope": {answer["scope"].(string)}, "token_type": {"bearer"}}
	if refresh, ok := answer["refresh_token"].(string); ok {
		values.Set("refresh_token", refresh)
	}
	return "application/x-www-form-urlencoded; charset=utf-8", values.Encode()
}

// Rows 14 and 15: however a provider says how long its token lives, the refresh token
// that came along is not lost, and what is known of the end is minded. The provider is a
// strict one: of a token that it has rotated nothing is left.
func TestFault15_AnswersInOtherWords(t *testing.T) {
	t.Parallel()
	const hour = 3599 * time.Second
	for _, test := range []struct {
		name  string
		say   func(map[string]any) (contentType, text string)
		lives time.Duration // 0: not known
	}{
		{"a text", with("expires_in", `"3599"`), hour},
		{"a fraction", with("expires_in", `3599.5`), hour},
		{"a fraction as a text", with("expires_in", `"3599.0"`), hour},
		{"an exponent", with("expires_in", `3.599e3`), hour},
		{"for ever", with("expires_in", `1e30`), 10 * 365 * day},
		{"more digits than fit", with("expires_in", `99999999999999999999`), 10 * 365 * day},
		{"negative", with("expires_in", `-3599`), 0},
		{"negative without end", with("expires_in", `-1e30`), 0},
		{"nothing", with("expires_in", `null`), 0},
		{"an empty text", with("expires_in", `""`), 0},
		{"words", with("expires_in", `"an hour"`), 0},
		{"a list", with("expires_in", `[3599]`), 0},
		{"not at all", with("expires_in", ""), 0},
		{"in other letters", with("Expires_In", `3599.5`), hour},
		{"a type that is a list", with("token_type", `["Bearer"]`), hour},
		{"JSON that is called a text", func(answer map[string]any) (string, string) {
			return "text/plain", string(mustJSON(answer))
		}, hour},
		{"a form", form, hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.google.Change(func(r *fakegoogle.Rules) { r.Rotate, r.Strict = true, true })
			w.o.HTTP = func(Provider) http.RoundTripper { return odd{w.google, test.say} }
			w.connect()
			for range 3 { // each time the refresh token is another one
				if got := *mustRead(t, w, w.byID[w.List()[0].ID]); got.Lives != test.lives {
					t.Errorf("it lives %v, want %v", got.Lives, test.lives)
				}
				w.runsOK()
				w.clock.pass(2 * time.Hour)
			}
		})
	}
}

// What is no answer stays what it is.
func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<html>a=b&c=d</html>", "[1]", "null", `{"expires_in":`, "expires_in=%zz"} {
		if members := membersOf("text/html", []byte(text)); members != nil {
			t.Errorf("%q says %v", text, members)
		}
	}
	if body := plainly(map[string]json.RawMessage{"expires_in": json.RawMessage(`"NaN"`)}); !bytes.Equal(body, []byte(`{"expires_in":0}`)) {
		t.Errorf("no number is %s", body)
	}
}
