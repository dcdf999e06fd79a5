package explain

import (
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
)

var now = time.Date(2026, 3, 1, 10, 31, 0, 0, time.UTC)

// well is a charm that waits for its next run, changed as the case wants.
func well(change ...func(*Facts)) Facts {
	f := Facts{
		Now: now, Tries: 4, Timeout: 30 * time.Second,
		Charm: charm.Charm{Row: 1, Space: "did:key:z6MkHome", SpaceName: "home", Name: "news", Integration: "rss", Registered: true, Schedule: charm.Schedule{Every: time.Minute}},
		State: charm.State{NextRun: now.Add(42 * time.Second), LastOutcome: charm.OK},
		Last:  &charm.Run{ID: "01RUN", Job: "01JOB", Attempt: 1, Outcome: charm.OK, EndedAt: now.Add(-18 * time.Second)},
		Crowd: Crowd{Workers: 5, Share: 10},
	}
	for _, fn := range change {
		fn(&f)
	}
	return f
}

// waits gives the charm a live job that waits.
func waits(reason charm.Reason, in time.Duration, attempt int) func(*Facts) {
	return func(f *Facts) {
		f.State.NextRun = time.Time{}
		f.Job = &charm.Job{ID: "01JOB", Charm: 1, Reason: reason, Status: charm.Pending, DueAt: now.Add(in), Attempt: attempt, CreatedAt: now.Add(-time.Second)}
	}
}

// runs gives it one that runs.
func runs(reason charm.Reason, attempt int) func(*Facts) {
	return func(f *Facts) {
		waits(reason, 0, attempt)(f)
		f.Job.Status, f.Job.Run, f.Job.ClaimedAt, f.Began = charm.Running, "01NOW", now.Add(-4*time.Second), now.Add(-3*time.Second)
	}
}

func ended(o charm.Outcome, message, position string) func(*Facts) {
	return func(f *Facts) {
		f.Last.Outcome, f.Last.Error, f.Last.Position, f.Last.Attempt = o, message, position, 2
		f.State.LastOutcome = o
	}
}

func disabled(by charm.DisabledBy, why string, next time.Duration) func(*Facts) {
	return func(f *Facts) {
		f.State.NextRun = time.Time{}
		f.State.Disabled, f.State.DisabledBy, f.State.DisabledReason, f.State.DisabledAt = true, by, why, now.Add(-5*time.Minute)
		if next != 0 {
			f.State.NextTry = now.Add(next)
		}
	}
}

func pausedBy(scope charm.PauseScope, note string) func(*Facts) {
	return func(f *Facts) { f.Paused = &charm.Pause{Scope: scope, Note: note, At: now.Add(-25 * time.Hour)} }
}

// overdue makes it due three seconds ago, among others.
func overdue(c Crowd) func(*Facts) {
	return func(f *Facts) {
		f.State.NextRun = now.Add(-3 * time.Second)
		c.Workers, c.Share = f.Crowd.Workers, f.Crowd.Share
		f.Crowd = c
	}
}

func set(fn func(*Facts)) func(*Facts) { return fn }

func TestCharm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		facts         Facts
		status        string
		cause         Cause
		because, next string // next: a part of it
	}{
		{"on its schedule", well(), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m)", "charmd run home/news"},
		{"never ran", well(set(func(f *Facts) { f.Last = nil })), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m)", "nothing to do"},
		{"tomorrow", well(set(func(f *Facts) { f.State.NextRun = now.Add(20 * time.Hour) })), "pending", Schedule,
			"home/news runs next in 20h, at 2026-03-02 06:31:00, on its schedule (every 1m)", "nothing to do"},
		{"a host asked not to be asked", well(set(func(f *Facts) {
			f.State.NextRun, f.State.NotBefore = now.Add(10*time.Minute), now.Add(10*time.Minute)
		})), "pending", Host,
			"home/news runs next in 10m, at 10:41:00, because a host that it needs asked not to be asked earlier", "nothing to do"},
		{"after an error", well(ended(charm.Errored, "TypeError: x is null", "feeds.tsx:4:13")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, failed: TypeError: x is null (feeds.tsx:4:13)",
			"charmd logs home/news --run 01RUN"},
		{"after a timeout", well(ended(charm.TimedOut, "", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, was stopped because it took too long",
			"it may take 30s: give it more with: charmd configure home/news --timeout"},
		{"after it ran out of memory", well(ended(charm.OutOfMemory, "", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, ran out of memory", "again()"},
		{"after a crash", well(ended(charm.Crashed, "signal: killed", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, took its worker process down: signal: killed", "charmd runs 01RUN"},
		{"after a conflict", well(ended(charm.Conflicted, "", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, was overtaken by other writers, which is not held against it", "it runs again"},
		{"after the other side's fault", well(ended(charm.Remote, "example.org answers 503", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, met a failure of the other side, which is not held against it: example.org answers 503",
			"nothing to do here"},
		{"after its account went", well(ended(charm.NeedsReconnect, "", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, found its account disconnected", "connect its account with: charmd connect PROVIDER --charm home/news, where PROVIDER is the connection that its recipe's requests name"},
		{"after it was lost", well(ended(charm.Lost, "", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, was interrupted, which is not held against it", "nothing to do"},
		{"after it was cancelled", well(ended(charm.Cancelled, "a person cancelled it", "")), "pending", Schedule,
			"home/news runs next in 42s, at 10:31:42, on its schedule (every 1m); its last run, at 10:30:42, was cancelled: a person cancelled it", "nothing to do"},

		{"running", well(runs(charm.Due, 1)), "running", Running,
			"home/news is running since 10:30:57 (3s), in run 01NOW", "it is stopped at 10:31:27"},
		{"running for the second time", well(runs(charm.Retry, 2)), "running", Running,
			"home/news is running since 10:30:57 (3s), in run 01NOW, try 2 of 4", "charmd runs 01NOW"},
		{"running because asked", well(runs(charm.RunNow, 1)), "running", Running,
			"home/news is running since 10:30:57 (3s), in run 01NOW, because a person asked for it", ""},
		{"a probe runs", well(disabled(charm.ByFailures, "x", time.Hour), runs(charm.Probe, 1)), "running", Running,
			"home/news is running since 10:30:57 (3s), in run 01NOW, to see whether it works again", ""},
		{"claimed", well(runs(charm.Due, 1), set(func(f *Facts) { f.Began = time.Time{} })), "running", Claimed,
			"home/news has had its turn since 10:30:56 (4s) and waits for a free worker (0 of 5 busy)", "--max-concurrent"},

		{"retry", well(ended(charm.Errored, "TypeError: x is null\nat f", "feeds.tsx:4:13"), waits(charm.Retry, 3*time.Second, 3)), "pending", Retry,
			"home/news tries again in 3s, at 10:31:03; try 2 of 4, at 10:30:42, failed: TypeError: x is null (feeds.tsx:4:13)", "charmd logs home/news --run 01RUN"},
		{"retry of the other side's fault", well(ended(charm.Remote, "no answer", ""), waits(charm.Retry, 8*time.Second, 3)), "pending", Retry,
			"home/news tries again in 8s, at 10:31:08; try 2 of 4, at 10:30:42, met a failure of the other side, which is not held against it: no answer", "nothing to do here"},
		{"retry whose record is gone", well(waits(charm.Retry, 3*time.Second, 2), set(func(f *Facts) { f.Last = nil })), "pending", Retry,
			"home/news is tried again (try 2 of 4) in 3s, at 10:31:03", "nothing to do"},
		{"handed back", well(ended(charm.Cancelled, "", ""), set(func(f *Facts) { f.Last.Code = charm.CodeHandedBack }), waits(charm.Retry, 0, 1)), "pending", HandedBack,
			"home/news was given back to the queue when charmd stopped at 10:30:42 and runs again now, and starts at any moment", "nothing to do"},
		{"unanswered", well(ended(charm.Lost, "", ""), set(func(f *Facts) { f.Last.Code = charm.CodeUnanswered }), waits(charm.Retry, 0, 1)), "pending", Unanswered,
			"home/news changed something at 10:30:42 and the toolshed did not say whether it took that, which is looked up before it runs again now, and starts at any moment", "nothing to do"},
		{"lost", well(ended(charm.Lost, "", ""), waits(charm.Retry, 0, 1)), "pending", Interrupted,
			"home/news was interrupted when charmd ended during its run, which is not held against it, and runs again now, and starts at any moment", "nothing to do"},
		{"lost while charmd lives", well(ended(charm.Lost, "the database is damaged", ""), set(func(f *Facts) { f.Last.Code = charm.CodeUnavailable }), waits(charm.Retry, time.Second, 1)), "pending", Retry,
			"home/news came to nothing at 10:30:42, which is not held against it: the database is damaged; it runs again in 1s, at 10:31:01", "charmd doctor"},
		{"lost, and others run", well(ended(charm.Lost, "", ""), waits(charm.Retry, 0, 1), set(func(f *Facts) {
			f.State.UncleanStops, f.Crowd.InFlight = 1, 2
		})), "pending", AloneFirst,
			"home/news was interrupted when charmd ended during its run, which is not held against it, and runs again now, and waits for the end of 2 runs in flight: it was running when charmd died, so it runs alone", ""},
		{"asked", well(waits(charm.RunNow, 0, 1), pausedBy(charm.PauseAll, "")), "pending", Asked,
			"home/news was asked to run and does so now, and starts at any moment", "nothing to do"},
		{"next page", well(waits(charm.Again, 0, 1), set(func(f *Facts) { f.Job.Pages = 2; f.Crowd.Busy = 5 })), "pending", Workers,
			"home/news asked to go on and runs for page 3 now, and waits for a free worker (5 of 5 busy)", ""},

		{"due", well(overdue(Crowd{})), "pending", Turn, "home/news is due since 10:30:57 (3s) and starts at any moment", ""},
		{"all workers are busy", well(overdue(Crowd{Busy: 5, Ahead: 1, Others: 7})), "pending", Workers,
			"home/news is due since 10:30:57 (3s) and waits for a free worker (5 of 5 busy), behind 1 charm of its space and beside 7 charms of others", "--max-concurrent"},
		{"its space has its share", well(overdue(Crowd{Held: 10, Others: 3})), "pending", SpaceShare,
			"home/news is due since 10:30:57 (3s) and waits because its space has 10 runs in flight, its share beside 3 charms of other spaces", "--max-concurrent"},
		{"others go first", well(overdue(Crowd{Ahead: 2})), "pending", Turn,
			"home/news is due since 10:30:57 (3s) and waits for its turn, behind 2 charms of its space", ""},
		{"another one must be alone", well(overdue(Crowd{Alone: "home/suspect", InFlight: 1})), "pending", OtherAlone,
			"home/news is due since 10:30:57 (3s) and waits for home/suspect, which was running when charmd died and so runs alone", "charmd why home/suspect"},

		{"paused with everything", well(pausedBy(charm.PauseAll, "moving house")), "paused", Paused,
			"home/news does not run by itself: everything is paused since 2026-02-28 09:31:00 (25h): moving house", "charmd resume --all"},
		{"paused with everything, and itself", well(pausedBy(charm.PauseAll, "moving house"), set(func(f *Facts) {
			f.Besides = []charm.Pause{{Scope: charm.PauseSpace}, {Scope: charm.PauseIntegration}, {Scope: charm.PauseCharm}}
		})), "paused", Paused,
			"home/news does not run by itself: everything is paused since 2026-02-28 09:31:00 (25h): moving house (also paused: its space, its integration rss, the charm itself)",
			"charmd resume --all; and: charmd resume home; and: charmd resume --integration rss; and: charmd resume home/news"},
		{"its space is paused", well(pausedBy(charm.PauseSpace, "")), "paused", Paused,
			"home/news does not run by itself: its space is paused since 2026-02-28 09:31:00 (25h)", "charmd resume home"},
		{"its integration is paused", well(pausedBy(charm.PauseIntegration, "")), "paused", Paused,
			"home/news does not run by itself: its integration rss is paused since 2026-02-28 09:31:00 (25h)", "charmd resume --integration rss"},
		{"it is paused, with a retry to do", well(waits(charm.Retry, 0, 2), pausedBy(charm.PauseCharm, "")), "paused", Paused,
			"home/news does not run by itself: it is paused since 2026-02-28 09:31:00 (25h)", "charmd resume home/news"},

		{"disabled by failures", well(disabled(charm.ByFailures, "failed 5 times in a row, last: no feed", 4*time.Minute)), "disabled", ByFailures,
			"home/news is disabled since 10:26:00 (5m): failed 5 times in a row, last: no feed; it is tried again in 4m, at 10:35:00", "charmd enable home/news"},
		{"disabled and never probed", well(disabled(charm.ByFailures, "failed 5 times in a row", 0), set(func(f *Facts) { f.Charm.ProbeNever = true })), "disabled", ByFailures,
			"home/news is disabled since 10:26:00 (5m): failed 5 times in a row; it is not tried by itself (--probe=never)", "charmd enable"},
		{"disabled and paused", well(disabled(charm.ByFailures, "failed", time.Minute), pausedBy(charm.PauseSpace, "")), "disabled", ByFailures,
			"home/news is disabled since 10:26:00 (5m): failed; it is not tried while its space is paused since 2026-02-28 09:31:00 (25h)", "charmd enable"},
		{"disabled with no next try", well(disabled(charm.ByFailures, "failed", 0)), "disabled", Unarmed,
			"home/news is disabled since 10:26:00 (5m): failed; it should be tried again and has no time for that", ""},
		{"permanent", well(disabled(charm.ByPermanent, "news.tsx:1:16: Unexpected \";\"", 0)), "disabled", ByPermanent,
			"home/news is disabled since 10:26:00 (5m), because it cannot run as it is: news.tsx:1:16: Unexpected \";\"", "mend the recipe"},
		{"by a person", well(disabled(charm.ByPerson, "noisy", 0)), "disabled", ByPerson,
			"home/news is disabled by a person since 10:26:00 (5m): noisy", "charmd enable home/news"},
		{"by a person, no reason", well(disabled(charm.ByPerson, "disabled by a person", 0), pausedBy(charm.PauseAll, "")), "disabled", ByPerson,
			"home/news is disabled by a person since 10:26:00 (5m)", "charmd enable home/news"},

		{"unregistered", well(set(func(f *Facts) { f.Charm.Registered, f.State.NextRun = false, time.Time{} })), "unregistered", Unregistered,
			"home/news runs only when it is asked to: it is not registered for the background", "charmd run home/news --wait"},
		{"an account to connect again", well(ended(charm.NeedsReconnect, "", ""), set(func(f *Facts) {
			f.State.Waiting, f.State.NextRun = charm.Wait{For: charm.ForAccount, Why: "its Google account must be connected again: taken back"}, time.Time{}
			f.Account, f.Page = "google", "http://h/home/x"
		})), "needs_reconnect", Account, "home/news waits for a person: its Google account must be connected again: taken back",
			"charmd connect google --charm home/news; or on its page: http://h/home/x; it goes on by itself then"},
		{"a stated reason", well(set(func(f *Facts) {
			f.State.Waiting, f.State.NextRun = charm.Wait{For: charm.ForRecipe, Why: "its recipe is not stored here"}, time.Time{}
		})), "waiting", Stated,
			"home/news waits: its recipe is not stored here", "charmd remove home/news"},
		{"left out", well(set(func(f *Facts) { f.LeftOut = "gmail" })), "left out", LeftOut,
			"home/news is left out: this charmd was started with --only gmail and its integration is \"rss\"", "without --only"},
		{"the store cannot write", well(overdue(Crowd{}), set(func(f *Facts) { f.NotReady = []string{"the store cannot write: the disk is full"} })), "pending", NotReady,
			"home/news waits until charmd can work again: the store cannot write: the disk is full", "charmd doctor"},
		{"unarmed", well(set(func(f *Facts) { f.State.NextRun = time.Time{} })), "pending", Unarmed,
			"home/news should run, and has neither a next run nor a live job", "charmd doctor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := Charm(tc.facts)
			if got.Status != tc.status || got.Cause != tc.cause {
				t.Errorf("it is %s because of %s, want %s because of %s", got.Status, got.Cause, tc.status, tc.cause)
			}
			if got.Because != tc.because {
				t.Errorf("it says\n%s\nwant\n%s", got.Because, tc.because)
			}
			if got.Next == "" || !strings.Contains(got.Next, tc.next) {
				t.Errorf("next is %q, want it to say %q", got.Next, tc.next)
			}
			if strings.ContainsAny(got.Because+got.Next, "\n") {
				t.Errorf("more than a line: %q, %q", got.Because, got.Next)
			}
		})
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	e := Charm(well(ended(charm.Errored, strings.Repeat("é", 5000), "")))
	if n := len([]rune(e.Because)); n > 400 || !strings.Contains(e.Because, "é…") {
		t.Errorf("%d characters: %s", n, e.Because)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	named := func(name string, change ...func(*Facts)) Facts {
		f := well(change...)
		f.Charm.Name = name
		return f
	}
	all := []Facts{
		named("a"), named("b", runs(charm.Due, 1)), named("c", ended(charm.Errored, "", ""), set(func(f *Facts) { f.State.ConsecutiveFailures = 1 })),
		named("d", ended(charm.TimedOut, "", ""), set(func(f *Facts) { f.State.ConsecutiveFailures = 3 })), named("e", disabled(charm.ByPerson, "", 0)),
		named("f", set(func(f *Facts) { f.Charm.Registered = false })), named("g", pausedBy(charm.PauseCharm, "")), named("h", ended(charm.Remote, "", "")),
	}
	for _, tc := range []struct {
		name          string
		facts         ServiceFacts
		status        string
		because, next string
	}{
		{"no charms", ServiceFacts{}, "well", "charmd is well, up since 09:31:00 (60m); there are no charms yet", "charmd new"},
		{"one that waits", ServiceFacts{Charms: all[:1]}, "well", "charmd is well, up since 09:31:00 (60m); of 1 charm 1 waits for its next run", "nothing to do"},
		{"many", ServiceFacts{Charms: all}, "well",
			"charmd is well, up since 09:31:00 (60m); of 8 charms 1 runs, 2 wait for their next run, 2 have failed and are tried again, 1 is paused, 1 is disabled by a person, 1 is not registered",
			"most urgent: charmd why home/d"},
		{"disabled ones are more urgent", ServiceFacts{Charms: append(all[:8:8], named("i", disabled(charm.ByFailures, "", 0)))}, "well", "", "most urgent: charmd why home/i"},
		{"broken ones before them", ServiceFacts{Charms: append(all[:8:8], named("i", disabled(charm.ByFailures, "", 0)), named("j", disabled(charm.ByPermanent, "", 0)))}, "well", "", "most urgent: charmd why home/j"},
		{"accounts first", ServiceFacts{Charms: append(all[:8:8], named("j", disabled(charm.ByPermanent, "", 0)), named("k", set(func(f *Facts) { f.State.Waiting = charm.Wait{For: charm.ForAccount, Why: "gone"} })))}, "well", "", "most urgent: charmd why home/k"},
		{"one integration, and a charm of another", ServiceFacts{Only: "gmail", Charms: []Facts{all[0], named("b", set(func(f *Facts) { f.LeftOut = "gmail" }))}}, "well",
			"charmd is well, up since 09:31:00 (60m), and runs charms of the integration gmail only; of 2 charms 1 waits for its next run, 1 is left out", "nothing to do"},
		{"one integration, no charms", ServiceFacts{Only: "rss"}, "well", "charmd is well, up since 09:31:00 (60m), and runs charms of the integration rss only; there are no charms yet", ""},
		{"everything is paused", ServiceFacts{Paused: &charm.Pause{Scope: charm.PauseAll, At: now.Add(-time.Minute), Note: "a trip"}, Charms: all[:1]}, "paused",
			"everything is paused since 10:30:00 (60s): a trip; of 1 charm 1 waits for its next run", "charmd resume --all"},
		{"cannot work, for a long reason", ServiceFacts{NotReady: []string{strings.Repeat("long ", 60) + "(charmd space grant)"}}, "hindered",
			"charmd can start nothing now: " + strings.Repeat("long ", 60) + "(charmd space grant); there are no charms yet", "charmd doctor"},
		{"cannot work", ServiceFacts{NotReady: []string{"the store cannot write", "the service is stopping"}, Charms: all[:1]}, "hindered",
			"charmd can start nothing now: the store cannot write; the service is stopping; of 1 charm 1 waits for its next run", "charmd doctor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.facts.Now, tc.facts.Since = now, now.Add(-time.Hour)
			got := Service(tc.facts)
			if got.Status != tc.status || !strings.Contains(got.Next, tc.next) {
				t.Errorf("it is %s, next %q", got.Status, got.Next)
			}
			if tc.because != "" && got.Because != tc.because {
				t.Errorf("it says\n%s\nwant\n%s", got.Because, tc.because)
			}
			n := 0
			for _, of := range got.Charms {
				n += of
			}
			if n != len(tc.facts.Charms) {
				t.Errorf("%d charms are counted of %d: %v", n, len(tc.facts.Charms), got.Charms)
			}
		})
	}
}

// What a run did to no effect is told, and the handler of one that failed.
func TestTheLastRunIsTold(t *testing.T) {
	t.Parallel()
	asked := func(requests, changed int) func(*Facts) {
		return func(f *Facts) { f.Last.Requests, f.Last.Changed = requests, changed }
	}
	for _, c := range []struct {
		name  string
		facts Facts
		want  string
		run   string
	}{
		{"wrote nothing", well(asked(2, 0)), "; its last run, at 10:30:42, made 2 requests and wrote nothing", "01RUN"},
		{"wrote something", well(asked(2, 1)), "", ""},
		{"asked nothing", well(asked(0, 0)), "", ""},
		{"failed", well(ended(charm.Errored, "no feed", "news.tsx:12:7"), func(f *Facts) { f.Last.Handler = "bgUpdater" }), "failed: no feed (news.tsx:12:7) in handler bgUpdater", "01RUN"},
	} {
		e := Charm(c.facts)
		if !strings.HasSuffix(e.Because, c.want) || e.Run != c.run {
			t.Errorf("%s: %q, run %q", c.name, e.Because, e.Run)
		}
	}
}
