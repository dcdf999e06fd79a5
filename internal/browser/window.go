package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"charmd/internal/client"
)

// within bounds how long is waited for anything in a page. A machine that is busy
// with other tests is slow.
const within = 30 * time.Second

// Window is one tab. Its methods end the test when they cannot do what they say.
type Window struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

func (w *Window) call(fn func(ctx context.Context) error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, within)
	defer cancel()
	if err := fn(ctx); err != nil {
		w.t.Fatalf("%v\nthe page shows:\n%s", err, w.shown())
	}
}

// do does steps. The first ones of a window are not timed: the context they get is
// that of the window's life.
func (w *Window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if chromedp.FromContext(w.ctx).Target == nil {
		if err := chromedp.Do(w.ctx, steps...); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.call(func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

// shown is what is to be read now, as well as it can be found out.
func (w *Window) shown() string {
	ctx, cancel := context.WithTimeout(w.ctx, time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body?.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// Go goes to an address, and waits until its page is loaded.
func (w *Window) Go(url string) {
	w.t.Helper()
	w.do(chromedp.Navigate(url))
}

// SignIn lets the window in at a daemon, as a person does who follows a link.
func (w *Window) SignIn(c *client.Client) {
	w.t.Helper()
	link, err := c.SignInLink(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.Go(c.URL() + link.Path)
	w.Await(`location.pathname === "/"`)
}

// Click clicks on the first element that a CSS selector matches, once it is there.
func (w *Window) Click(css string) {
	w.t.Helper()
	w.do(chromedp.Click(chromedp.CSS(css)))
}

// Fill puts a text into a field, in place of what it holds.
func (w *Window) Fill(css, text string) {
	w.t.Helper()
	w.do(chromedp.Clear(chromedp.CSS(css)), chromedp.SendKeys(chromedp.CSS(css), text))
}

// Press presses keys where the focus is; package kb of chromedp names those that
// are no letters.
func (w *Window) Press(keys string) {
	w.t.Helper()
	w.do(chromedp.KeyEvent(keys))
}

// Eval is the value of a JavaScript expression.
func Eval[T any](w *Window, expression string) (v T) {
	w.t.Helper()
	w.call(func(ctx context.Context) (err error) {
		v, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return v
}

// Await waits until a JavaScript expression holds.
func (w *Window) Await(expression string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, within)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		// While a page is being left there is nothing to ask.
		if holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("within %v never: %s\nthe page shows:\n%s", within, expression, w.shown())
		case <-tick.C:
		}
	}
}

// AwaitText waits until what is to be read in the page holds a text.
func (w *Window) AwaitText(text string) {
	w.t.Helper()
	w.Await("document.body.innerText.includes(" + strconv.Quote(text) + ")")
}

// Text is what is to be read in the first element that a CSS selector matches.
func (w *Window) Text(css string) string {
	w.t.Helper()
	return Eval[string](w, fmt.Sprintf("document.querySelector(%q).innerText", css))
}

// ScreenshotsVariable names the folder that screenshots go to; without it none
// are taken.
const ScreenshotsVariable = "CHARMD_SCREENSHOTS"

// Screenshot takes a picture of the whole page, NAME.png, when screenshots are
// wanted.
func (w *Window) Screenshot(name string) {
	w.t.Helper()
	dir := os.Getenv(ScreenshotsVariable)
	if dir == "" {
		return
	}
	w.call(func(ctx context.Context) error {
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	})
}
