import { h } from "@commontools/html";
import { derive, handler, NAME, recipe, UI } from "@commontools/builder";

const update = handler({}, { type: "object", properties: { url: { type: "string" }, mails: { type: "array", default: [], asCell: true } } },
  async (_event, state) => {
    const res = await fetch(state.url, { connection: "google" });
    if (!res.ok) throw new Error("the API answered " + res.status);
    state.mails.set((await res.json()).messages);
  });

export default recipe({ type: "object", properties: { url: { type: "string" }, mails: { type: "array", default: [] } } },
  ({ url, mails }) => ({
    [NAME]: "Named", [UI]: <p>{derive(mails, (list) => list.length)} mails</p>, mails, bgUpdater: update({ url, mails }),
  }));
