import { h } from "@commontools/html";
import { cell, handler, NAME, recipe, str, UI } from "@commontools/builder";

const beat = handler({}, {
  type: "object",
  properties: {
    beats: { type: "number", default: 0, asCell: true },
    lastBeat: { type: "string", default: "", asCell: true },
  },
}, (_event, state) => {
  state.beats.set((state.beats.get() ?? 0) + 1);
  state.lastBeat.set(new Date().toISOString());
});

export default recipe(
  { type: "object", description: "Heartbeat", properties: {} },
  () => {
    const beats = cell(0);
    const lastBeat = cell("");
    return {
      [NAME]: str`Heartbeat: ${beats}`,
      [UI]: (
        <div>
          <p>This charm has run {beats} times, last at {lastBeat}.</p>
          <common-updater $state={beats} integration="heartbeat" />
        </div>
      ),
      beats,
      lastBeat,
      bgUpdater: beat({ beats, lastBeat }),
    };
  },
);
