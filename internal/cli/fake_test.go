package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// fakeDaemon answers the API with what the transcripts expect. Its charms are
// home/counter, which is well, home/news, which has failed and is disabled, and
// feeds/counter; home/evil has escape sequences in all its texts.
type fakeDaemon struct {
	mu      sync.Mutex
	last    string // "METHOD URI BODY" of the last request but reads
	charms  []api.Charm
	nextRun *time.Time
	runs    []api.Run
	follow  []api.Run // runs that end one by one, each time runs are listed
	problem *api.Problem

	signIns  []api.SignIn
	troubles []api.Trouble // six of home/news, then one of feeds/evil
}

const (
	fakeToken = "let-me-in"
	homeDID   = "did:key:z6MkHome"
	feedsDID  = "did:key:z6MkFeeds"
	evil      = "evil\x1b[2J\u202e\nforged"
)

// hardToHave are runs that ended as none does without much ado, by their ids.
var hardToHave = map[string]api.Run{
	"01JQ0000000000000000000101": {Charm: "home/news", Outcome: charm.Crashed, Code: charm.CodeProtocol, Error: "the worker sent what it must not"},
	"01JQ0000000000000000000102": {Charm: "home/news", Outcome: charm.Lost, Code: charm.CodeUnanswered, Error: "the toolshed did not say whether it took the changes"},
	"01JQ0000000000000000000103": {Charm: "home/news", Outcome: charm.Conflicted, Code: charm.CodeContended, Error: "what it read kept changing"},
	"01JQ0000000000000000000104": {Charm: "home/news", Outcome: charm.NeedsReconnect, Code: charm.CodeReconnect, Error: "its Google account must be connected again"},
	"01JQ0000000000000000000105": {Charm: "home/news", Outcome: charm.Lost, Code: charm.CodeInternal, Error: "the run's end could not be written"},
}

func ago(d time.Duration) *time.Time {
	t := time.Now().Add(-d).UTC()
	return &t
}

func newFakeDaemon() *fakeDaemon {
	// Half a unit more or less, so that a slow machine prints the same.
	next := time.Now().Add(90*time.Minute + 30*time.Second).UTC()
	return &fakeDaemon{
		nextRun: &next,
		charms: []api.Charm{
			{Space: homeDID, SpaceName: "home", CharmID: "baedreicounter1", Name: "counter", Recipe: "ba4jccounter", Registered: true, Enabled: true,
				Status: "completed", Schedule: "every 1m", NextRun: &next, LastRun: "01JQ0000000000000000000001",
				State: api.State{TotalExecutions: 12, TotalSuccesses: 12, LastExecuted: ago(210 * time.Second), LastOutcome: charm.OK,
					MinExecutionTimeMs: 1.25, MaxExecutionTimeMs: 40, AvgExecutionTimeMs: 12.5, LastExecutionTimeMs: 3}},
			{Space: homeDID, SpaceName: "home", CharmID: "baedreinews1", Name: "news", Integration: "rss", Recipe: "ba4jcnews", Registered: true,
				Status: "disabled", Schedule: "every 10m",
				State: api.State{TotalExecutions: 7, TotalSuccesses: 2, TotalFailures: 5, ConsecutiveFailures: 5, LastExecuted: ago(150 * time.Minute),
					LastOutcome: charm.Errored, LastError: "no feed\nat news.tsx", LastErrorTimestamp: ago(150 * time.Minute),
					Disabled: true, DisabledBy: charm.ByFailures, DisabledReason: "5 failures in a row", DisabledAt: ago(150 * time.Minute), NextTry: &next}},
			{Space: feedsDID, SpaceName: "feeds", CharmID: "baedreicounter2", Name: "counter", Registered: false, Status: "unregistered", Schedule: "every 1m"},
			{Space: feedsDID, SpaceName: "feeds", CharmID: "baedreievil1", Name: evil, Integration: evil, Status: "failed", Schedule: "every 1m",
				State: api.State{LastError: evil, LastErrorTimestamp: ago(time.Hour)}},
		},
		runs: []api.Run{
			{ID: "01JQ0000000000000000000002", Charm: "home/news", Job: "01JQJ000000000000000000002", Reason: charm.Due, Attempt: 4,
				StartedAt: *ago(150 * time.Minute), EndedAt: *ago(150 * time.Minute), DurationMs: 41.2, Status: charm.Failed, Outcome: charm.Errored,
				Code: charm.CodeThrown, Error: "no feed\n" + evil, Position: "news.tsx:12:7", Requests: 3, CPUMs: 3, PeakBytes: 2_500_000, Walls: "namespaces landlock rlimits",
				Log: "12:00:00.000 log   fetching\n12:00:00.040 error " + strings.ReplaceAll(evil, "\n", "") + "\n"},
			{ID: "01JQ0000000000000000000001", Charm: "home/counter", Job: "01JQJ000000000000000000001", Reason: charm.Due, Attempt: 1,
				StartedAt: *ago(210 * time.Second), EndedAt: *ago(210 * time.Second), DurationMs: 3, Status: charm.Completed, Outcome: charm.OK,
				Changed: 1, CPUMs: 1.5, PeakBytes: 900, Log: "12:00:00.000 log   counted\n"},
		},
		troubles: fakeTroubles(),
		signIns: []api.SignIn{
			{ID: "0a1b2c3d4e5f", Browser: "Mozilla/5.0 Firefox/140.0", Since: *ago(150 * time.Minute), Seen: *ago(210 * time.Second)},
			{ID: "ffffffffffff", Browser: evil, Since: *ago(73 * time.Hour), Seen: *ago(73 * time.Hour)},
		},
	}
}

func fakeTroubles() (list []api.Trouble) {
	for i := range 6 {
		list = append(list, api.Trouble{Charm: "home/news", Outcome: charm.Errored, Code: charm.CodeThrown, Message: fmt.Sprintf("no feed %d\nand more", i),
			Position: fmt.Sprintf("news.tsx:%d:7", 12+i), FirstSeen: *ago(73 * time.Hour), LastSeen: *ago(time.Duration(i)*time.Hour + 150*time.Second),
			Times: int64(14 - i), LastRun: "01JQ0000000000000000000002"})
	}
	return append(list, api.Trouble{Charm: "feeds/" + evil, Outcome: charm.Remote, Message: evil, FirstSeen: *ago(50 * time.Hour), LastSeen: *ago(50 * time.Hour), Times: 1})
}

func (f *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodGet {
		f.last = r.Method + " " + r.RequestURI + " " + string(body)
	}
	mux := http.NewServeMux()
	answer := func(pattern string, fn func(r *http.Request) (any, *api.Problem)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, problem := fn(r)
			if r.Header.Get("Authorization") != "Bearer "+fakeToken {
				problem = &api.Problem{Code: charm.CodeUnauthorized, Message: "this needs the service's token"}
			}
			if f.problem != nil {
				problem = f.problem
			}
			if problem != nil {
				w.WriteHeader(http.StatusTeapot)
				v = map[string]*api.Problem{"error": problem}
			}
			_ = json.NewEncoder(w).Encode(v)
		})
	}
	const one = " /api/v1/charms/{space}/{charm}"
	answer("GET /api/v1/status", func(*http.Request) (any, *api.Problem) { return f.status(), nil })
	answer("GET /api/v1/charms", func(r *http.Request) (any, *api.Problem) {
		return choose(f.charms, func(c api.Charm) bool {
			s := r.URL.Query().Get("space")
			return s == "" || s == c.SpaceName
		}), nil
	})
	answer("POST /api/v1/charms", func(*http.Request) (any, *api.Problem) { return f.add(body) })
	answer("POST /api/v1/admin-charm", func(*http.Request) (any, *api.Problem) {
		return api.Added{Space: "did:key:z6MkSystem", CharmID: "baedreiadmin", Name: "bgAdmin", URL: "http://127.0.0.1:8000/toolshed-system/baedreiadmin"}, nil
	})
	onCharm := func(do func(api.Charm) (any, *api.Problem)) func(*http.Request) (any, *api.Problem) {
		return func(r *http.Request) (any, *api.Problem) {
			for _, c := range f.charms {
				if (r.PathValue("space") == c.SpaceName || r.PathValue("space") == c.Space) && (r.PathValue("charm") == c.Name || r.PathValue("charm") == c.CharmID) {
					return do(c)
				}
			}
			return nil, &api.Problem{Code: charm.CodeNotFound, Message: "there is no charm " + r.PathValue("charm") + " in " + r.PathValue("space"), Hint: "charmd list"}
		}
	}
	answer("GET /api/v1/problems", func(*http.Request) (any, *api.Problem) { return f.troubles, nil })
	answer("GET"+one+"/problems", onCharm(func(c api.Charm) (any, *api.Problem) {
		return choose(f.troubles, func(t api.Trouble) bool { return t.Charm == c.SpaceName+"/"+c.Name }), nil
	}))
	answer("POST /api/v1/notify/test", func(*http.Request) (any, *api.Problem) {
		return api.Notified{ID: "01JQN000000000000000000001", Hook: "command"}, nil
	})
	answer("GET"+one, onCharm(func(c api.Charm) (any, *api.Problem) {
		if c.Name == "news" {
			c.Problems = f.troubles[:6]
			c.State.Timings = &api.Timings{P50ExecutionTimeMs: 3, P95ExecutionTimeMs: 20.4, P99ExecutionTimeMs: 41, P50LatenessMs: new(1.5), P95LatenessMs: new(12_000.0)}
		}
		c.Result = json.RawMessage(`{"value":3,"title":"a\u001b\u009bb","items":[{"id":"x"}]}`)
		return c, nil
	}))
	answer("DELETE"+one, onCharm(func(api.Charm) (any, *api.Problem) { return struct{}{}, nil }))
	answer("POST"+one+"/run", onCharm(func(c api.Charm) (any, *api.Problem) { return f.run(c, body), nil }))
	answer("POST"+one+"/enable", onCharm(func(c api.Charm) (any, *api.Problem) { return c, nil }))
	answer("POST"+one+"/disable", onCharm(func(c api.Charm) (any, *api.Problem) { c.NextRun = nil; return c, nil }))
	answer("GET"+one+"/preview", onCharm(func(c api.Charm) (any, *api.Problem) { return f.preview(c, r.URL.Query().Get("n")), nil }))
	answer("PUT"+one+"/schedule", onCharm(func(c api.Charm) (any, *api.Problem) { return f.preview(c, ""), nil }))
	answer("PATCH"+one, onCharm(func(c api.Charm) (any, *api.Problem) {
		return api.Configured{Charm: refOf(c), Timeout: "2m", AllowHosts: []string{"10.0.0.2", "10.0.0.3:81" + evil}, Integration: "rss", Priority: -5, Probe: "never"}, nil
	}))
	answer("PUT"+one+"/cells/{path...}", onCharm(func(api.Charm) (any, *api.Problem) { return struct{}{}, nil }))
	answer("GET"+one+"/runs", onCharm(func(c api.Charm) (any, *api.Problem) { return f.list(r, "home/"+c.Name), nil }))
	answer("GET /api/v1/runs", func(r *http.Request) (any, *api.Problem) { return f.list(r, ""), nil })
	answer("GET /api/v1/runs/{id}", func(r *http.Request) (any, *api.Problem) {
		if run, ok := hardToHave[r.PathValue("id")]; ok {
			return run, nil
		}
		for _, run := range f.runs {
			if run.ID == r.PathValue("id") {
				if run.Requests > 0 {
					run.Egress = []charm.Request{
						{Method: "GET", URL: "https://a.example/feed?key=*", Via: []string{"a.example"}, Host: "b.example" + evil, Address: "192.0.2.1:443", Status: 200, Verdict: "sent", BytesIn: 4200, TookMs: 12},
						{Method: "POST", URL: "http://10.0.0.1/", Host: "10.0.0.1", Verdict: "refused", Error: "10.0.0.1: not a public address"},
					}
				}
				return run, nil
			}
		}
		return nil, &api.Problem{Code: charm.CodeNotFound, Message: "there is no run " + r.PathValue("id")}
	})
	answer("GET /api/v1/jobs", func(*http.Request) (any, *api.Problem) {
		return []api.Job{
			{Charm: "home/counter", Type: charm.ExecuteCharm, Reason: charm.Due, Status: charm.Pending, Attempt: 1, DueAt: *f.nextRun},
			{ID: "01JQJ000000000000000000009", Type: charm.Maintenance, Task: charm.Cleanup, Reason: charm.RunNow, Status: charm.Running, Attempt: 1, DueAt: *ago(90 * time.Second)},
		}, nil
	})
	answer("POST /api/v1/jobs/{id}/cancel", func(r *http.Request) (any, *api.Problem) {
		if r.PathValue("id") != "01JQJ000000000000000000009" {
			return nil, &api.Problem{Code: charm.CodeNotFound, Message: "no job " + r.PathValue("id") + " waits or runs", Hint: "see live jobs with: charmd jobs"}
		}
		return api.Job{ID: r.PathValue("id"), Type: charm.Maintenance, Task: charm.Cleanup, Status: charm.Running}, nil
	})
	answer("POST"+one+"/cancel", onCharm(func(c api.Charm) (any, *api.Problem) {
		return api.Job{ID: "01JQJ000000000000000000005", Type: charm.ExecuteCharm, Charm: "home/" + c.Name, Status: charm.Pending}, nil
	}))
	answer("POST /api/v1/retry", func(*http.Request) (any, *api.Problem) {
		if strings.Contains(string(body), "feeds") {
			return api.Retried{Charms: []string{}}, nil
		}
		return api.Retried{Charms: []string{"home/news"}}, nil
	})
	pause := func(r *http.Request) (any, *api.Problem) {
		var req api.PauseRequest
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, &api.Problem{Code: charm.CodeInvalid, Message: err.Error()}
		}
		p := api.Pause{Scope: charm.PauseAll, Note: req.Note}
		switch {
		case req.Integration != "":
			p.Scope, p.Integration = charm.PauseIntegration, req.Integration
		case req.Charm != "":
			p.Scope, p.Charm = charm.PauseCharm, req.Space+"/"+req.Charm
		case req.Space != "":
			p.Scope, p.Space = charm.PauseSpace, req.Space
		}
		return p, nil
	}
	answer("POST /api/v1/pause", pause)
	answer("POST /api/v1/resume", pause)
	answer("GET /api/v1/contacts", func(*http.Request) (any, *api.Problem) {
		return []api.Contact{
			{Charm: "home/news", Host: "a.example", State: "allowed", Since: *ago(2 * time.Hour)},
			{Charm: "home/news", Host: "b.example:8080" + evil, State: "asked", Since: *ago(90 * time.Second)},
		}, nil
	})
	answer("PUT"+one+"/contacts/{host}", onCharm(func(api.Charm) (any, *api.Problem) { return struct{}{}, nil }))
	answer("GET /api/v1/hosts", func(*http.Request) (any, *api.Problem) {
		return []api.Host{
			{Host: "down.example:443", State: "open", Failures: 7, Since: *ago(150 * time.Minute), Until: *f.nextRun, Reason: "cannot connect: connection refused"},
			{Host: "evil.example:80", For: "feeds/" + evil, State: "half-open", Failures: 1, Since: *ago(210 * time.Second), Until: *ago(90 * time.Second), Reason: evil},
		}, nil
	})
	answer("DELETE /api/v1/hosts/{host}", func(r *http.Request) (any, *api.Problem) {
		if r.PathValue("host") != "down.example:443" {
			return nil, &api.Problem{Code: charm.CodeNotFound, Message: "no host \"" + r.PathValue("host") + "\" is held off"}
		}
		return struct{}{}, nil
	})
	answer("POST /api/v1/sign-ins", func(*http.Request) (any, *api.Problem) {
		return api.SignInLink{Path: "/service/sign-in?link=ONCE", ExpiresAt: time.Now().Add(10*time.Minute + 30*time.Second)}, nil
	})
	answer("GET /api/v1/sign-ins", func(*http.Request) (any, *api.Problem) { return f.signIns, nil })
	answer("DELETE /api/v1/sign-ins", func(*http.Request) (any, *api.Problem) { return api.SignedOut{Browsers: 2}, nil })
	answer("DELETE /api/v1/sign-ins/{id}", func(r *http.Request) (any, *api.Problem) {
		if r.PathValue("id") != "0a1b2c3d4e5f" {
			return nil, &api.Problem{Code: charm.CodeNotFound, Message: "no browser \"" + r.PathValue("id") + "\" is signed in"}
		}
		return api.SignedOut{Browsers: 1}, nil
	})
	answer("POST /api/v1/maintenance/{task}", func(r *http.Request) (any, *api.Problem) {
		return api.RunReply{Job: "01JQJ000000000000000000009", Run: &api.Run{ID: "01JQ0000000000000000000009", Job: "01JQJ000000000000000000009",
			Task: charm.Task(r.PathValue("task")), Reason: charm.RunNow, Attempt: 1, StartedAt: time.Now(), Outcome: charm.OK, Log: "3 runs deleted\n"}}, nil
	})
	mux.ServeHTTP(w, r)
}

func (f *fakeDaemon) add(body []byte) (any, *api.Problem) {
	var req api.AddRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, &api.Problem{Code: charm.CodeInvalid, Message: err.Error()}
	}
	if strings.Contains(req.Files[req.Entry], "SYNTAX ERROR") {
		return nil, &api.Problem{Code: charm.CodeCompile, Message: req.Entry + ":1:5: Unexpected \"ERROR\""}
	}
	return api.Added{Space: homeDID, CharmID: "baedreicounter1", Name: "counter", URL: "http://127.0.0.1:8000/home/baedreicounter1"}, nil
}

// preview is n times, ten for none, a day apart and in a zone of their own.
func (f *fakeDaemon) preview(c api.Charm, n string) api.Preview {
	p := api.Preview{Charm: refOf(c), Schedule: "cron 0 9 * * * in Asia/Tokyo", Means: "at 09:00 every day", Zone: "Asia/Tokyo", Reason: c.State.DisabledReason, Times: []time.Time{}}
	many, err := strconv.Atoi(n)
	if err != nil {
		many = 10
	}
	for day := range many {
		p.Times = append(p.Times, f.nextRun.In(time.FixedZone("", 9*3600)).AddDate(0, 0, day))
	}
	return p
}

func (f *fakeDaemon) run(c api.Charm, body []byte) api.RunReply {
	reply := api.RunReply{Job: "01JQJ000000000000000000005"}
	if strings.Contains(string(body), `"wait":true`) {
		run := f.runs[1]
		if c.Name == "news" {
			run = f.runs[0]
		}
		reply.Run = &run
	}
	return reply
}

func (f *fakeDaemon) list(r *http.Request, ref string) []api.Run {
	if len(f.follow) > 0 && r.URL.Query().Get("logs") == "true" {
		f.runs, f.follow = append([]api.Run{f.follow[0]}, f.runs...), f.follow[1:]
	}
	list := []api.Run{}
	for _, run := range f.runs {
		outcome := r.URL.Query().Get("outcome")
		if (ref == "" || run.Charm == ref) && (outcome == "" || outcome == string(run.Outcome)) {
			if r.URL.Query().Get("logs") != "true" {
				run.Log = ""
			}
			list = append(list, run)
		}
	}
	return list
}

func (f *fakeDaemon) status() api.Status {
	return api.Status{
		Version: "1.2.3", PID: 77, DataDir: "/srv/charmd-data", URL: "http://127.0.0.1:8000", Toolshed: "embedded",
		StartedAt: *ago(150 * time.Minute), Restarts: 1, TotalExecutions: 19, TotalSuccesses: 14, TotalFailures: 5, Cycles: 150, LastCycle: ago(30 * time.Minute),
		Ready: false, NotReady: []string{"the store cannot write"}, Charms: map[string]int{"completed": 1, "disabled": 1},
		Workers:    []api.Worker{{PID: 78, Task: "x"}, {PID: 79}},
		Problems:   []api.Problematic{{Charm: "home/news", Status: "disabled", Reason: "5 failures in a row", NextTry: f.nextRun}},
		Sandbox:    map[string]api.Layer{"rlimits": {State: "on"}, "landlock": {State: "unavailable", Reason: "old kernel"}},
		StoreBytes: 4_200_000,
		Pauses: []api.Pause{
			{Scope: charm.PauseSpace, Space: "feeds", Since: time.Now()},
			{Scope: charm.PauseCharm, Charm: "home/news", Note: "quota is used up", Since: *ago(150 * time.Minute)},
		},
	}
}
