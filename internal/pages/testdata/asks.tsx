import { handler, recipe } from "@commontools/builder";

const ask = handler({}, { type: "object", properties: { url: { type: "string" } } }, async (_event, { url }) => { await fetch(url); });

export default recipe({ type: "object", properties: { url: { type: "string" } } }, ({ url }) => ({ url, bgUpdater: ask({ url }) }));
