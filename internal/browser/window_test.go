package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What is clicked on moves away when the mouse is on its way to it, and something else
// comes to where it was.
func TestAClickIsOnWhatItWasMeantFor(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><p>Buttons</p><button id="first">A</button><br><button id="second">B</button><script>
			let aimed, moves = 0, clicks = [];
			for (const b of document.querySelectorAll("button")) b.onclick = () => clicks.push(b.id);
			Object.defineProperty(window, "aimed", {
				get: () => aimed,
				set: (to) => {
					aimed = to;
					if (++moves <= 2) document.body.insertBefore(document.querySelector("button"), null);
				},
			});
		</script>`)
	}))
	t.Cleanup(page.Close)
	w := Start(t).Window(t)
	w.Go(page.URL)
	for _, id := range []string{"second", "first"} {
		w.Click("#" + id)
	}
	w.Await(`clicks.join() === "second,first" && moves > 2`)
}
