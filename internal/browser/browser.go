// Package browser drives a headless Chromium, for tests of what people see. It
// exists so that such tests say what a person does and looks at, and so that what a
// page complains of (a script's error, a refused style, a dialog nobody asked for)
// fails its test without being looked for.
package browser

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// names are what Chromium is called on different systems.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "headless-shell"}

// find is the path of a Chromium. Without one the test is skipped, or fails when
// CHARMD_REQUIRE names chromium.
func find(t *testing.T) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if slices.Contains(strings.Split(os.Getenv("CHARMD_REQUIRE"), ","), "chromium") {
		t.Fatalf("CHARMD_REQUIRE names chromium, and there is none of %v", names)
	}
	t.Skipf("no Chromium is installed: none of %v", names)
	return ""
}

// Browser is a running Chromium.
type Browser struct {
	t   *testing.T
	ctx context.Context
}

// Start starts a Chromium that ends with the test.
func Start(t *testing.T, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	// Go's temporary directories are removed as soon as the test ends, when the
	// browser may still be writing to its own.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(find(t)), chromedp.NoSandbox, // as root, and in containers, it has no sandbox
		chromedp.Flag("hide-scrollbars", true), chromedp.WindowSize(Width, Height))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	t.Cleanup(stop)
	ctx, closed := chromedp.NewContext(ctx)
	t.Cleanup(closed)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &Browser{t, ctx}
}

// Width and Height are the size of a window at first, CSS pixels.
const Width, Height = 1200, 800

// Window opens a window with cookies of its own.
func (b *Browser) Window(t *testing.T) *Window {
	t.Helper()
	w := &Window{t: t}
	ctx, closed := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.hear))
	t.Cleanup(closed)
	return w.open(ctx)
}

// Beside opens another window of the same person: it shares the cookies.
func (w *Window) Beside() *Window {
	w.t.Helper()
	other := &Window{t: w.t}
	ctx, closed := chromedp.NewContext(w.ctx, chromedp.WithListener(other.hear))
	w.t.Cleanup(closed)
	return other.open(ctx)
}

// Popup is the window that the page opens when act is done, at an address that has
// the prefix.
func (w *Window) Popup(prefix string, act func()) *Window {
	w.t.Helper()
	opened := chromedp.WaitNewTarget(w.ctx, func(info *target.Info) bool { return strings.HasPrefix(info.URL, prefix) })
	act()
	select {
	case id := <-opened:
		popup := &Window{t: w.t}
		ctx, closed := chromedp.NewContext(w.ctx, chromedp.WithTargetID(id), chromedp.WithListener(popup.hear))
		w.t.Cleanup(closed)
		popup.ctx = ctx
		popup.do() // a window lives as long as the context of its first steps
		return popup
	case <-time.After(within):
		w.t.Fatalf("within %v no window opens at %s\nthe page shows:\n%s", within, prefix, w.shown())
		return nil
	}
}

func (w *Window) open(ctx context.Context) *Window {
	w.ctx = ctx
	w.do(chromedp.EmulateViewport(Width, Height))
	w.t.Cleanup(func() {
		for _, line := range w.Complaints() {
			w.t.Errorf("the page complains: %s", line)
		}
	})
	return w
}

// hear keeps what a page complains of, and says yes to its questions.
func (w *Window) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.complain(text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			w.complain(string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		if e.Type != page.DialogTypeConfirm {
			w.complain("a dialog: " + e.Message)
		}
		// The listener may not wait for an answer of the browser it listens to.
		go func() {
			_, _ = chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	}
}

func (w *Window) complain(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, line)
}

// Complaints takes what the page has complained of so far.
func (w *Window) Complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.complaints
	w.complaints = nil
	return list
}

// Dark lets the window prefer dark colours, or light ones again.
func (w *Window) Dark(is bool) {
	w.t.Helper()
	value := "light"
	if is {
		value = "dark"
	}
	w.call(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
		})
		return err
	})
}

// Resize makes the window so many CSS pixels large.
func (w *Window) Resize(width, height int64) {
	w.t.Helper()
	w.do(chromedp.EmulateViewport(width, height))
}
