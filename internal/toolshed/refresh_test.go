package toolshed

import (
	"log/slog"
	"testing"

	"charmd/internal/egress"
	"charmd/internal/oauth"
)

// What another toolshed is asked for a charm is what was judged here, and no more: a
// reader that tells capital letters apart, or takes the first of two members, would
// otherwise refresh what is another space's.
func TestARefreshIsPassedOnAsItWasJudged(t *testing.T) {
	t.Parallel()
	shed := New(Options{Pages: plain{}, Service: idle{}, Token: "right", Beside: "http://shed.example", Accounts: &oauth.Accounts{}, Logger: slog.New(slog.DiscardHandler)})
	const at = "http://shed.example/api/integrations/"
	for _, tc := range []struct{ path, body, wantURL, wantBody string }{
		{"google-oauth/refresh", `{"refreshToken":"1//mine"}`, at + "google-oauth/refresh", `{"refreshToken":"1//mine"}`},
		{"google-oauth/refresh?as=admin", `{"refreshToken":"1//mine","authCellId":"another's","userId":"admin"}`, at + "google-oauth/refresh", `{"refreshToken":"1//mine"}`},
		{"google-oauth/refresh", `{"refreshToken":"another's","REFRESHTOKEN":"1//mine"}`, at + "google-oauth/refresh", `{"refreshToken":"1//mine"}`},
		{`..%5C..%5Cv1-oauth/refresh`, `{"refreshToken":"1//mine"}`, "", ""},
		{"a%2Fb-oauth/refresh", `{"refreshToken":"1//mine"}`, "", ""},
		{"%252e%252e%252fb-oauth/refresh", `{"refreshToken":"1//mine"}`, "", ""},
		{"-oauth/refresh", `{"refreshToken":"1//mine"}`, "", ""},
	} {
		_, theirs, ok := shed.Local(t.Context(), "did:key:z6MkMe", egress.Request{Method: "POST", URL: at + tc.path, Body: []byte(tc.body)})
		if ok || (theirs == nil) != (tc.wantURL == "") {
			t.Errorf("%s %s: %v, %+v", tc.path, tc.body, ok, theirs)
			continue
		}
		if theirs != nil && (theirs.URL != tc.wantURL || string(theirs.Body) != tc.wantBody || theirs.Method != "POST") {
			t.Errorf("%s %s: asked is %s %s", tc.path, tc.body, theirs.URL, theirs.Body)
		}
	}
}
