package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/internal/fakegoogle"
)

const eraAuth = `const Auth = { type: "object", default: {}, properties: {
  token: { type: "string", default: "" }, tokenType: { type: "string", default: "" }, scope: { type: "array", items: { type: "string" }, default: [] },
  expiresIn: { type: "number", default: 0 }, expiresAt: { type: "number", default: 0 }, refreshToken: { type: "string", default: "" },
  user: { type: "object", properties: { email: { type: "string", default: "" }, name: { type: "string", default: "" }, picture: { type: "string", default: "" } } },
} } as const;
`

// eraGmail has the shape of the Gmail recipes of March 2025: the work is detached from
// the handler, the token goes along in the header and in each part of a batch that is
// written and read by hand, an expired one is refreshed at the relative address, with a
// body that holds nothing, and the reply takes the place of the auth cell.
const eraGmail = `import { h } from "@commontools/html";
import { cell, derive, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
` + eraAuth + `
async function work(state: any) {
  let auth = state.auth.get();
  if (Date.now() > auth.expiresAt) {
    const res = await fetch("/api/integrations/google-oauth/refresh", { method: "POST", body: JSON.stringify({ refreshToken: state.auth.refreshToken }) });
    state.auth.set(auth = await res.json());
  }
  const known = new Set(state.emails.get().map((e: any) => e.id));
  const list = await (await fetch("https://gmail.googleapis.com/gmail/v1/users/me/messages?q=" + encodeURIComponent("in:INBOX") + "&maxResults=" + state.limit, { headers: { Authorization: "Bearer " + auth.token } })).json();
  const fresh = list.messages.filter((m: any) => !known.has(m.id));
  const boundary = "batch_" + Math.random().toString(36).substring(2);
  const body = fresh.map((m: any, i: number) => "\n--" + boundary + "\nContent-Type: application/http\nContent-ID: <batch-" + i + "+" + m.id + ">\n\nGET /gmail/v1/users/me/messages/" + m.id + "?format=full\nAuthorization: Bearer " + auth.token + "\nAccept: application/json\n\n").join("") + "--" + boundary + "--";
  if (fresh.length === 0) return;
  const res = await fetch("https://gmail.googleapis.com/batch/gmail/v1", { method: "POST", headers: { Authorization: "Bearer " + auth.token, "Content-Type": "multipart/mixed; boundary=" + boundary }, body });
  const parts = (await res.text()).split("--batch_").slice(1, -1).map((part) => JSON.parse(part.slice(part.indexOf("\n{")).trim()));
  const found = parts.filter((m) => m.payload?.headers).map((m) => ({
    [ID]: m.id, id: m.id, subject: m.payload.headers.find((x: any) => x.name === "Subject").value,
    plainText: atob(m.payload.parts.find((p: any) => p.mimeType === "text/plain").body.data.replace(/-/g, "+").replace(/_/g, "/")),
  }));
  state.emails.push(...found);
}

const bgUpdater = handler({}, { type: "object", properties: {
  emails: { type: "array", items: { type: "object", properties: { id: { type: "string" }, subject: { type: "string" } } }, default: [], asCell: true },
  auth: { ...Auth, asCell: true }, limit: { type: "number" },
} }, (_event, state) => { work(state); });

export default recipe({ type: "object", description: "mails", properties: { limit: { type: "number", default: 20 }, auth: Auth } }, ({ limit, auth }) => {
  const emails = cell<any[]>([]);
  return { [NAME]: str` + "`mails ${derive(auth, (a: any) => a?.user?.email)}`" + `,
    [UI]: <div><common-google-oauth $auth={auth} />{derive(emails, (list: any) => list.length)}</div>, emails, auth, bgUpdater: bgUpdater({ emails, auth, limit }) };
});
`

// eraCalendar has that of the calendar recipes of June 2025.
const eraCalendar = `import { cell, getRecipeEnvironment, h, handler, ID, NAME, recipe, UI } from "commontools";
` + eraAuth + `
const env = getRecipeEnvironment();

async function ask(auth: any, url: URL, retries = 2): Promise<Response> {
  const headers = new Headers();
  headers.set("Authorization", "Bearer " + auth.get().token);
  const res = await fetch(url, { headers });
  if (res.ok || retries === 0) return res;
  if (res.status === 401) {
    const reply = await fetch(new URL("/api/integrations/google-oauth/refresh", env.apiUrl), { method: "POST", body: JSON.stringify({ refreshToken: auth.get().refreshToken }) });
    auth.update((await reply.json()).tokenInfo);
  }
  return ask(auth, url, retries - 1);
}

const update = handler({}, { type: "object", properties: {
  events: { type: "array", items: { type: "object", properties: { id: { type: "string" } } }, default: [], asCell: true }, auth: { ...Auth, asCell: true }, calendarId: { type: "string" },
} }, async (_event, state) => {
  const known = new Set(state.events.get().map((e: any) => e.id));
  const url = new URL("https://www.googleapis.com/calendar/v3/calendars/" + encodeURIComponent(state.calendarId) + "/events?maxResults=250&timeMin=" + encodeURIComponent(new Date().toISOString()) + "&singleEvents=true&orderBy=startTime");
  const list = await (await ask(state.auth, url)).json();
  const fresh = list.items.filter((e: any) => !known.has(e.id)).map((e: any) => ({ id: e.id, summary: e.summary || "", start: e.start.dateTime || e.start.date || "" }));
  fresh.forEach((e: any) => { e[ID] = e.id; });
  state.events.push(...fresh);
});

export default recipe({ type: "object", properties: { calendarId: { type: "string", default: "primary" }, auth: Auth } }, ({ calendarId, auth }) => {
  const events = cell<any[]>([]);
  return { [NAME]: "events", [UI]: <common-google-oauth $auth={auth} />, events, auth, bgUpdater: update({ events, auth, calendarId }) };
});
`

// eraFeed and eraDiscord have those of March 2025: detached work, and every message
// again in every run.
const eraFeed = `import { cell, handler, ID, recipe, str, NAME } from "@commontools/builder";
const fetchFeed = async (url: string, state: any) => {
  const doc = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/xml");
  const items = Array.from(doc.querySelectorAll("item")).map((e: any) => ({ id: e.querySelector("guid")?.textContent || "", title: e.querySelector("title")?.textContent || "" }));
  for (const item of items) {
    const there = state.items.get().some((known: any) => known.id === item.id);
    if (!there) state.items.push({ [ID]: item.id, ...item });
  }
};
const bgUpdater = handler({}, { type: "object", properties: {
  items: { type: "array", items: { type: "object", properties: { id: { type: "string" }, title: { type: "string" } } }, default: [], asCell: true }, feedUrl: { type: "string" },
} }, (_, state) => { fetchFeed(state.feedUrl, state); });
export default recipe({ type: "object", properties: { feedUrl: { type: "string", default: "" } } }, ({ feedUrl }) => {
  const items = cell<any[]>([]);
  return { [NAME]: str` + "`feed ${feedUrl}`" + `, items, bgUpdater: bgUpdater({ items, feedUrl }) };
});
`

const eraDiscord = `import { cell, handler, ID, recipe } from "@commontools/builder";
const bgUpdater = handler<{}, { url: string; messages: any[] }>(async (_event, state) => {
  const list = await (await fetch(state.url)).json();
  list.forEach((m: any) => state.messages.push({ [ID]: m.id, ...m }));
});
export default recipe("messages", ({ url }: any) => {
  const messages = cell<any[]>([]);
  return { messages, bgUpdater: bgUpdater({ url, messages }) };
});
`

func TestRecipesOfTheEra(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m, c := g.Gmail(), g.Calendar()
	d := googleDaemon(t, g, t.TempDir())
	m.Receive(inbox(30)...)
	c.Put(fakegoogle.Event{"id": "a", "status": "confirmed", "summary": "A", "start": map[string]any{"date": "2999-01-02"}, "end": map[string]any{"date": "2999-01-03"}})
	here := func(source string) string {
		return strings.NewReplacer("https://gmail.googleapis.com", g.URL, "https://www.googleapis.com", g.URL).Replace(source)
	}
	mail := d.add(here(eraGmail), "home", "mail", notRegistered, rarely, allow(g.Host))
	calendar := d.add(here(eraCalendar), "agenda", "calendar", notRegistered, rarely, allow(g.Host))
	d.connect(g, mail)
	d.connect(g, calendar)
	type kept struct {
		Emails []struct{ ID, Subject, PlainText string }
		Events []struct{ ID, Summary, Start string }
		Auth   struct{ Token string }
	}
	for range 2 {
		d.runOK(mail)
		d.runOK(calendar)
	}
	got := result[kept](t, d.show(mail))
	if len(got.Emails) != 20 || got.Emails[0].Subject != "Mail 29" || got.Emails[0].PlainText != "This is mail 29." || got.Auth.Token == "" {
		t.Errorf("the mails are %d, the first %+v", len(got.Emails), got.Emails[:1])
	}
	if got := result[kept](t, d.show(calendar)); len(got.Events) != 1 || got.Events[0].Start != "2999-01-02" {
		t.Errorf("the events are %+v", got.Events)
	}
	g.Expire() // whatever was said of them
	m.Receive(fakegoogle.Mail{ID: "late", Subject: "Late", Body: []byte("x"), Labels: []string{"INBOX"}, Date: time.Now()})
	c.Put(fakegoogle.Event{"id": "b", "status": "confirmed", "start": map[string]any{"date": "2999-01-02"}, "end": map[string]any{"date": "2999-01-03"}})
	d.runOK(mail)
	d.runOK(calendar)
	if got := result[kept](t, d.show(mail)); len(got.Emails) != 21 {
		t.Errorf("after the token had ended: %d mails", len(got.Emails))
	}
	if got := result[kept](t, d.show(calendar)); len(got.Events) != 2 {
		t.Errorf("after the token had ended: %d events", len(got.Events))
	}
	d.searchSecrets(g)

	f := &feed{}
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			f.ServeHTTP(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `[{"id":"1","content":"hello"}]`)
	})
	f.set(200, rss2(2))
	news := d.add(eraFeed, "feeds", "news", notRegistered, allow(host), argument(`{"feedUrl":%q}`, url+"/feed"))
	chat := d.add(eraDiscord, "feeds", "chat", notRegistered, allow(host), argument(`{"url":%q}`, url+"/messages"))
	for range 2 {
		d.runOK(news)
		d.runOK(chat)
	}
	if got := result[feedResult](t, d.show(news)).Items; len(got) != 2 || got[0].Title != "Title & 2" {
		t.Errorf("the feed's items are %+v", got)
	}
	if got := result[struct{ Messages []struct{ Content string } }](t, d.show(chat)).Messages; len(got) != 2 || got[1].Content != "hello" {
		t.Errorf("the messages are %+v", got)
	}
}
