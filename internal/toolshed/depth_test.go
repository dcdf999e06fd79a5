package toolshed

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charmd/internal/charm"
)

// No decoder of what clients send goes deeper than the limit, where encoding/json alone
// would go to 10,000.
func TestBodiesNestNoDeeper(t *testing.T) {
	t.Parallel()
	request := func(levels int) *http.Request {
		body := `{"charm":"c","x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
		return httptest.NewRequest("POST", "/", strings.NewReader(body))
	}
	var got struct{ Charm string }
	if err := read(request(charm.MaxDepth), &got); err != nil || got.Charm != "c" {
		t.Errorf("as deep as may be: %v", err)
	}
	if err := read(request(charm.MaxDepth+1), &got); charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), "nested deeper than 512") {
		t.Errorf("deeper: %v", err)
	}
	if _, err := readAuth(request(charm.MaxDepth + 1)); err == nil {
		t.Error("a request about accounts may nest deeper")
	}
}
