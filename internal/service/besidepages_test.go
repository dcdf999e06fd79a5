package service_test

import (
	"strings"
	"testing"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
)

// What is done on pages beside a toolshed gets there, and counts once also when the
// toolshed's answer is lost and the page sends it again.
func TestPageBesideAToolshed(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	ref := p.service.add(clicker, "s0", "clicks", notRegistered)
	page := p.service.openPage(ref)
	first := page.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	click := func() map[string]any {
		return map[string]any{"id": newID(), "node": nodeOf(t, first.Tree, "add"), "event": "click", "value": map[string]any{"type": "click"}}
	}
	normal := click()
	page.send(normal)
	if m := page.answer(normal["id"].(string)); m.Done == "" || m.Error != "" {
		t.Fatalf("a click: %+v", m)
	}
	p.awaitCounted(ref, 1)

	lost := click()
	release := p.proxy.holdAnswers()
	page.send(lost)
	if m := page.answer(lost["id"].(string)); m.Again == "" || !strings.Contains(m.Error, "did not say whether it took") {
		t.Errorf("a click without an answer: %+v", m)
	}
	release()
	page.send(lost)
	if m := page.answer(lost["id"].(string)); m.Done == "" || m.Error != "" {
		t.Errorf("the click that was sent again: %+v", m)
	}
	last := click()
	page.send(last)
	if m := page.answer(last["id"].(string)); m.Done == "" || m.Error != "" {
		t.Errorf("a click afterwards: %+v", m)
	}
	p.awaitCounted(ref, 3)
	runs, err := p.service.Client.RunsOf(t.Context(), ref, client.Query{})
	if err != nil || len(runs) != 3 || runs[1].Job != lost["id"] || runs[1].Outcome != charm.OK {
		t.Errorf("the records: %+v, %v", runs, err)
	}
}

// What a run beside a toolshed changed is told, undone and made again without the
// mark that it left there.
func TestRunsBesideAToolshedAreUndoneAndReplayed(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	ref := p.addQuiet("c")
	run := p.service.run(ref)
	changes, err := p.service.Client.Changes(t.Context(), run.ID)
	if err != nil || len(changes.Documents) != run.Changed || changes.Forgotten != 0 {
		t.Errorf("%d documents were changed and are told as %+v, %v", run.Changed, changes, err)
	}
	if again, err := p.service.Client.Replay(t.Context(), run.ID, api.ReplayRequest{}); err != nil || !again.Same {
		t.Errorf("made again: %+v, %v", again, err)
	}
	undone, err := p.service.Client.Undo(t.Context(), run.ID)
	if err != nil || len(undone.Documents) != run.Changed {
		t.Fatalf("undone: %+v, %v", undone, err)
	}
	p.awaitCounted(ref, 1)
	p.service.runOK(ref)
	p.awaitCounted(ref, 2)
}
