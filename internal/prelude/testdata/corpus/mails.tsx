import { cell, derive, handler, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const Mail = { type: "object", properties: { id: { type: "string" }, subject: { type: "string" }, labels: { type: "array", items: { type: "string" } } } };
const update = handler({}, { type: "object", properties: { emails: { type: "array", items: Mail, asCell: true } } }, async (_, { emails }) => {
  const { ids } = await (await fetch("https://mail.test/list")).json();
  const known = new Set(emails.get().map((mail) => mail.id));
  const fresh = await Promise.all(ids.filter((id) => !known.has(id)).map(async (id) => (await fetch("https://mail.test/mail/" + id)).json()));
  if (fresh.length > 0) emails.push(...fresh);
});
export default recipe("mails", () => {
  const emails = cell([]);
  return { [UI]: <table>{emails.map((mail) => <tr>{mail.subject} [{derive(mail, (m) => m.labels.join("+"))}] </tr>)}</table>,
    emails, unread: derive(emails, (list) => list.filter((m) => m.labels.includes("UNREAD")).length), bgUpdater: update({ emails }) };
});
