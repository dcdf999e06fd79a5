package explain

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"heartbeat", "news", "mail", "größe", "heartbeats"}
	for word, want := range map[string]string{
		"hartbeat": "heartbeat", "heartbaet": "heartbeat", "heartbeatss": "heartbeats", "nwes": "", "nws": "news", "mails": "mail",
		"grösse": "größe", "": "", "weather": "", "n": "", "heart": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
	if got := Nearest("news", nil); got != "" {
		t.Errorf("of nothing %q is near", got)
	}
}
