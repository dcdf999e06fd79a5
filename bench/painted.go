package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"

	"github.com/chromedp/chromedp"

	"charmd/internal/client"
	"charmd/internal/process"
)

// clickAndSee clicks, and returns the milliseconds until the frame is there that
// shows what came of it, for each of so many clicks.
const clickAndSee = `(async () => {
  const times = [], count = document.querySelector("#charm-count"), button = document.querySelector("#charm-add");
  for (let i = 0; i < %d; i++) {
    const began = performance.now();
    const changed = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(); });
      watch.observe(count, { childList: true, characterData: true, subtree: true });
    });
    button.click();
    await changed;
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - began);
  }
  return times;
})()`

// eventToPainted is the time from clicks to what they show, in a Chromium that is
// closed afterwards, in milliseconds.
func eventToPainted(ctx context.Context, d *process.Daemon, ref client.Ref, clicks int) ([]float64, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("what is painted is measured in chromium: %w", err)
	}
	link, err := d.Client.SignInLink(ctx)
	if err != nil {
		return nil, err
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, closed := chromedp.NewContext(ctx)
	defer closed()
	err = chromedp.Do(ctx, chromedp.Navigate(d.URL+link.Path), chromedp.WaitVisible(chromedp.CSS("nav")),
		chromedp.Navigate(d.URL+"/"+ref.Space+"/"+ref.Charm), chromedp.WaitVisible(chromedp.CSS("#charm-add")))
	if err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(clickAndSee, clicks), chromedp.EvalAwaitPromise))
}
