package service_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
)

const askingModel = `import { handler, lift, llm, recipe } from "@commontools/builder";
export default recipe("asks", ({ q }: any) => {
	const answer = llm({ system: "be brief", prompt: q } as any) as any;
	return { answer: answer.result, waits: answer.pending, bgUpdater: handler(() => {})({}) };
});`

// Charms ask a language model through the toolshed; the operator says where it is.
func TestTheLanguageModel(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r.URL.Path + " " + string(body)
		_, _ = io.WriteString(w, "\"for\"\n\"ty\"\n")
	}))
	t.Cleanup(model.Close)
	d := startDaemon(t, t.TempDir())
	ref := d.add(askingModel, "home", "asks", notRegistered, argument(`{"q":"how many?"}`))
	run := d.runOK(ref)
	record, err := d.Client.RunRecord(t.Context(), run.ID)
	if err != nil || !strings.Contains(record.Log, "llm: the language model's service answered 404: no language model is configured here; start charmd with --llm-url") {
		t.Errorf("without one the log says %q, %v", record.Log, err)
	}
	d.Kill()
	if d, err = d.again(t, "CHARMD_LLM_URL="+model.URL+"/ask"); err != nil {
		t.Fatal(err)
	}
	d.runOK(ref)
	if got := string(d.show(ref).Result); got != `{"answer":"forty","waits":false}` {
		t.Errorf("the result is %s", got)
	}
	if got := <-asked; !strings.HasPrefix(got, `/ask {"messages":[{"role":"user","content":"how many?"}],"system":"be brief"`) {
		t.Errorf("it was asked %s", got)
	}
}

// A charm that was taken out of its space's lists does not run any more, and says so.
func TestACharmThatIsNotListed(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "home", "counter", rarely)
	d.await(ref, "its first run", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	w := d.asOperator(ref.Space)
	put := func(list merkle.Ref, text string) {
		t.Helper()
		_, cause, err := w.read(t.Context(), memory.Of(list.Link()))
		if err != nil {
			t.Fatal(err)
		}
		if cause == (merkle.Ref{}) {
			cause = merkle.Unclaimed(memory.JSON, memory.Of(list.Link()))
		}
		doc, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.write(t.Context(), memory.Of(list.Link()), cause, doc); err != nil {
			t.Fatal(err)
		}
	}
	put(merkle.Charms, `{"value":[]}`)
	const reason = "it is in none of its space's lists (charms, pinned)"
	c := d.await(ref, "it waits", 20*time.Second, func(c api.Charm) bool { return c.State.Waiting != "" })
	if why, err := d.Client.Why(t.Context(), ref); c.State.Waiting != reason || c.NextRun != nil || err != nil || !strings.Contains(why.Because, reason) {
		t.Errorf("it stands as %+v; because %q, %v", c, why.Because, err)
	}
	put(merkle.Pinned, `{"value":[{"cell":{"/":"`+ref.Charm+`"},"path":[]}]}`)
	d.await(ref, "it runs", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 1 })
}
