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

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"charmd/internal/client"
)

// within bounds how long is waited for anything in a page. A machine that is busy
// with other tests is slow.
const within = 2 * time.Minute

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

// Click clicks on the first element that a CSS selector matches, once it is there. A
// page that changes meanwhile may take it from under the mouse: then the click is kept
// from what has come there, and the element is aimed at anew.
func (w *Window) Click(css string) {
	w.t.Helper()
	w.until("a click on "+css, func(ctx context.Context) bool {
		at, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(aim, css)))
		if err != nil || len(at) != 2 {
			return false
		}
		_ = chromedp.Do(ctx, chromedp.MouseClickXY(at[0], at[1])) // the page that it leads away from may not answer
		missed, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.aimed?.hit === false`))
		return ctx.Err() == nil && (err != nil || !missed)
	})
}

// aim is where an element can be clicked on, none while it cannot be, and lets the next
// click through to it alone.
const aim = `(() => {
	const el = document.querySelector(%q);
	el?.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
	const box = el?.checkVisibility({ visibilityProperty: true }) && el.getClientRects()[0];
	if (!box) return [];
	const at = [box.left + box.width / 2, box.top + box.height / 2];
	if (!el.contains(document.elementFromPoint(...at))) return [];
	window.aimed?.end();
	const kinds = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
	const guard = (event) => {
		if (!el.contains(event.target)) {
			event.preventDefault();
			event.stopImmediatePropagation();
		} else if (event.type === "click") {
			aimed.hit = true;
			aimed.end();
		}
	};
	const aimed = { hit: false, end: () => kinds.forEach((kind) => removeEventListener(kind, guard, true)) };
	kinds.forEach((kind) => addEventListener(kind, guard, true));
	window.aimed = aimed;
	return at;
})()`

// Fill puts a text into a field, in place of what it holds.
func (w *Window) Fill(css, text string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible(chromedp.CSS(css)))
	Eval[bool](w, fmt.Sprintf("(document.querySelector(%q).focus(), document.activeElement.select(), true)", css))
	if text == "" {
		w.Press(kb.Backspace)
		return
	}
	w.call(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
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
	w.until(expression, func(ctx context.Context) bool {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && holds
	})
}

// until tries until it is done. While a page is being left there is nothing to ask.
func (w *Window) until(what string, done func(ctx context.Context) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, within)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			w.t.Fatalf("within %v never: %s\nthe page shows:\n%s", within, what, w.shown())
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
	w.Await("Array.from(document.images).every((i) => i.complete)")
	w.call(func(ctx context.Context) error {
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	})
}
