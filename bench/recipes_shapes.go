package main

import (
	"fmt"
	"strings"
)

// feedRecipe is what feed readers are like: it asks for all its items once for
// each item that the feed brings, and shows them as a table.
const feedRecipe = `import { cell, derive, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const item = { type: "object", properties: { id: { type: "string" }, title: { type: "string" }, link: { type: "string" },
  description: { type: "string" }, content: { type: "string" } } };
const update = handler({}, { type: "object", properties: { items: { type: "array", items: item, asCell: true } } } as any,
  (event: any, state: any) => {
    for (const fresh of event.items) {
      if (!event.first && state.items.get().some((known: any) => known.id === fresh.id)) continue;
      state.items.push({ ...fresh, [ID]: fresh.id });
    }
  });
export default recipe({ type: "object", properties: { url: { type: "string", default: "" } } } as any, ({ url }: any) => {
  const items = cell([] as any[]);
  const rows = (items as any).map((item: any) => <tr><td>{item.title}</td><td>{derive(item, (i: any) => i.link)}</td></tr>);
  return { [NAME]: str` + "`feed ${url}`" + `, [UI]: <table>{rows}</table>, items, total: derive(items, (list: any) => list.length),
    bgUpdater: update({ items }) };
});`

func feedItem(i int) any {
	return map[string]string{
		"id": fmt.Sprint("item-", i), "title": fmt.Sprint("Title of item ", i), "link": fmt.Sprint("https://feed.test/", i),
		"description": strings.Repeat("some words of text ", 10), "content": strings.Repeat("more words ", 20),
	}
}

// mailRecipe imports mail as mail readers do: whole mails, those that it has not yet.
const mailRecipe = `import { cell, derive, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const mail = { type: "object", properties: { id: { type: "string" }, threadId: { type: "string" }, subject: { type: "string" },
  from: { type: "string" }, date: { type: "string" }, labelIds: { type: "array", items: { type: "string" } }, snippet: { type: "string" },
  markdownContent: { type: "string" } } };
const update = handler({}, { type: "object", properties: { emails: { type: "array", items: mail, asCell: true } } } as any,
  async (event: any, state: any) => {
    await Promise.resolve();
    const known = new Set(state.emails.get().map((mail: any) => mail.id));
    const fresh = event.mails.filter((mail: any) => !known.has(mail.id)).map((mail: any) => ({ ...mail, [ID]: mail.id }));
    if (fresh.length > 0) state.emails.push(...fresh);
  });
export default recipe("mails", () => {
  const emails = cell([] as any[]);
  const rows = (emails as any).map((mail: any) => <tr><td>{mail.date}</td><td>{mail.subject}</td>
    <td>{derive(mail, (m: any) => m.labelIds.join(", "))}</td></tr>);
  return { [NAME]: str` + "`${derive(emails, (list: any) => list.length)} mails`" + `, [UI]: <table>{rows}</table>, emails, bgUpdater: update({ emails }) };
});`

func mail(i int) any {
	return map[string]any{
		"id": fmt.Sprintf("18c%013x", i), "threadId": fmt.Sprintf("18c%013x", i/3), "subject": fmt.Sprint("About the matter number ", i),
		"from": fmt.Sprintf("Somebody <somebody%d@mail.test>", i%50), "date": "2025-03-25T10:00:00Z",
		"labelIds": []string{"INBOX", "CATEGORY_UPDATES"}, "snippet": strings.Repeat("a few words ", 12),
		"markdownContent": strings.Repeat("A line of the mail, with what was to be said.\n", 60),
	}
}

// listRecipe shows a long list, something of it computed for each row.
const listRecipe = `import { cell, derive, handler, ID, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const update = handler({}, { type: "object", properties: { rows: { type: "array", items: { type: "object", properties: { text: { type: "string" } },
  asCell: true }, asCell: true } } } as any, (event: any, state: any) => {
    for (const item of event.items ?? []) state.rows.push({ ...item, [ID]: item.id });
    if (event.at !== undefined) state.rows.key(event.at).key("text").set(event.text);
  });
export default recipe("list", () => {
  const rows = cell([] as any[]);
  const page = (rows as any).map((row: any) => <li>{derive(row.text, (text: any) => text.toUpperCase())}</li>);
  return { [UI]: <ul>{page}</ul>, rows, bgUpdater: update({ rows }) };
});`

func row(i int) any {
	return map[string]any{"id": i, "text": fmt.Sprint("row ", i), "note": strings.Repeat("something noted ", 5)}
}
