import { handler, recipe } from "@commontools/builder";
const Settings = { type: "object", properties: { theme: { type: "string", default: "light" }, limits: { type: "object", properties: { most: { type: "number", default: 50 }, least: { type: "number", default: 5 } } } } };
const change = handler({ type: "object", properties: { theme: { type: "string" }, most: { type: "number" } } }, { type: "object", properties: { settings: { ...Settings, asCell: true } } },
  (event, { settings }) => {
    if (event.theme !== undefined) settings.update({ theme: event.theme });
    if (event.most !== undefined) settings.key("limits").key("most").set(Math.max(event.most, settings.get().limits.least));
  });
export default recipe({ type: "object", properties: { settings: Settings } }, ({ settings }) => ({ settings, bgUpdater: change({ settings }) }));
