package service_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
)

// Every request of a run stands in its record: who was asked, where that was, what
// came back; also one that was refused. Nothing secret does.
func TestARunsRequestsAreKept(t *testing.T) {
	t.Parallel()
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://"+r.Host+"/feed?token=sesame", http.StatusFound)
		case "/feed":
			_, _ = w.Write([]byte("0123456789"))
		default:
			http.NotFound(w, r)
		}
	})
	d := startDaemon(t, t.TempDir())
	source := failing(`return (async () => {
    await (await fetch("` + url + `/moved?key=sesame#sesame", { headers: { authorization: "sesame" } })).text();
    await fetch("` + url + `/gone", { method: "POST", body: "sesame" });
    await fetch("http://127.0.0.1:1/").catch(() => {});
  })();`)
	run := d.runOK(d.add(source, "s", "asks", notRegistered, allow(host)))
	record, err := d.Client.RunRecord(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []charm.Request{
		{Method: "GET", URL: url + "/moved?key=*", Host: host, Via: []string{host}, Address: host, Status: 200, Verdict: "sent", BytesIn: 10},
		{Method: "POST", URL: url + "/gone", Host: host, Address: host, Status: 404, Verdict: "sent", BytesIn: 19, BytesOut: 6},
		{Method: "GET", URL: "http://127.0.0.1:1/", Host: "127.0.0.1:1", Verdict: "refused"},
	}
	if len(record.Egress) != len(want) || record.Requests != len(want) {
		t.Fatalf("%d requests, kept are %+v", record.Requests, record.Egress)
	}
	for i, got := range record.Egress {
		if got.At.Before(record.StartedAt.Add(-time.Second)) || got.At.After(record.EndedAt.Add(time.Second)) || got.TookMs < 0 {
			t.Errorf("asked for at %v, took %v ms", got.At, got.TookMs)
		}
		if (got.Error != "") != (got.Verdict == "refused") || strings.Contains(got.URL+got.Error, "sesame") {
			t.Errorf("%+v", got)
		}
		got.At, got.TookMs, got.Error = time.Time{}, 0, ""
		if !slices.Equal(got.Via, want[i].Via) {
			t.Errorf("request %d went by %v", i, got.Via)
		}
		if got.Via, want[i].Via = nil, nil; got.URL != want[i].URL || got.Host != want[i].Host || got.Address != want[i].Address || got.Status != want[i].Status ||
			got.Verdict != want[i].Verdict || got.BytesIn != want[i].BytesIn || got.BytesOut != want[i].BytesOut || got.Method != want[i].Method {
			t.Errorf("request %d: %+v\nwant %+v", i, got, want[i])
		}
	}
}

// A run that is made again because of another writer sends nothing twice, and its
// ledger says nothing twice.
func TestALedgerIsOfWhatWasSent(t *testing.T) {
	t.Parallel()
	meddle := make(chan func(), 1)
	url, host := serve(t, func(http.ResponseWriter, *http.Request) { (<-meddle)() })
	d := startDaemon(t, t.TempDir())
	ref := d.add(failing(`return (async () => {
    const before = state.n.get();
    await fetch("`+url+`");
    state.n.set(before + 1);
  })();`), "s", "asks", notRegistered, allow(host))
	meddle <- func() {
		if err := d.Client.SetCell(t.Context(), ref, []string{"n"}, json.RawMessage("41")); err != nil {
			t.Error(err)
		}
	}
	run := d.runOK(ref)
	record, err := d.Client.RunRecord(t.Context(), run.ID)
	if err != nil || record.Conflicts != 1 || len(record.Egress) != 1 {
		t.Errorf("%d conflicts, requests %+v, %v", record.Conflicts, record.Egress, err)
	}
	if n := result[struct{ N int }](t, d.show(ref)).N; n != 42 {
		t.Errorf("it is %d", n)
	}
}

// Requests beyond what is kept are counted.
func TestALedgerIsBounded(t *testing.T) {
	t.Parallel()
	url, host := serve(t, func(http.ResponseWriter, *http.Request) {})
	d := startDaemon(t, t.TempDir())
	const requests = 300
	run := d.runOK(d.add(failing(fmt.Sprintf(`return (async () => {
    for (let i = 0; i < %d; i++) await fetch(%q + "/" + "x".repeat(900) + i);
  })();`, requests, url)), "s", "many", notRegistered, allow(host), timeout(2*time.Minute)))
	record, err := d.Client.RunRecord(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if kept := len(record.Egress); record.Requests != requests || kept < 100 || kept > charm.MaxLedgerBytes/900 {
		t.Errorf("of %d requests %d are kept", record.Requests, kept)
	}
}
