package egress

import "net/http"

// redirectLocation is where a reply sends the client on; "" when it does not.
func redirectLocation(status int, location func() string) string {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return location()
	}
	return ""
}

// redirect changes what is sent at the next hop, as fetch does: 301 and 302
// turn POST into GET, 303 turns everything but HEAD into GET, 307 and 308 keep
// method and body. Credentials stay with the origin they were meant for.
func (x *exchange) redirect(status int, from, to target) {
	if status == http.StatusSeeOther && x.method != http.MethodHead ||
		(status == http.StatusMovedPermanently || status == http.StatusFound) && x.method == http.MethodPost {
		x.method, x.body = http.MethodGet, nil
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"} {
			x.header.Del(name)
		}
	}
	if from.origin() != to.origin() {
		x.header.Del("Authorization")
		x.header.Del("Cookie")
	}
}
