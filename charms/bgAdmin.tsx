import { h } from "@commontools/html";
import { derive, handler, NAME, recipe, UI } from "@commontools/builder";

type Entry = {
  space: string;
  charmId: string;
  integration: string;
  createdAt: number;
  updatedAt: number;
  disabledAt?: number;
  lastRun: number;
  status: string;
};

const entrySchema = {
  type: "object",
  properties: {
    space: { type: "string" },
    charmId: { type: "string" },
    integration: { type: "string" },
    createdAt: { type: "number" },
    updatedAt: { type: "number" },
    disabledAt: { type: "number" },
    lastRun: { type: "number", default: 0 },
    status: { type: "string", default: "" },
  },
} as const;

const toggle = handler<any, { charm: Entry }>((_event, { charm }) => {
  charm.disabledAt = charm.disabledAt ? undefined : Date.now();
});

const remove = handler<any, { charm: Entry; charms: Entry[] }>((_event, { charm, charms }) => {
  const index = charms.findIndex(
    (c) => c.space === charm.space && c.charmId === charm.charmId,
  );
  if (index >= 0) charms.splice(index, 1);
});

/** Nothing is to be done: a run draws the table anew from the registry. */
const redraw = handler<any, any>(() => {});

const when = (ms: number | undefined) => ms ? new Date(ms).toISOString().replace("T", " ").slice(0, 16) : "–";

/** The end of an id tells ids apart; they begin alike. */
const short = (id: string | undefined) => id && id.length > 16 ? "…" + id.slice(-8) : id ?? "";

const page = (charm: Entry | undefined) => charm ? `/${charm.space}/${charm.charmId}` : "";

const act = (charm: Entry | undefined) => charm?.disabledAt ? "Enable" : "Disable";

export default recipe(
  {
    type: "object",
    properties: { charms: { type: "array", items: entrySchema, default: [] } },
  },
  ({ charms }) => ({
    [NAME]: "BG Updater Management",
    [UI]: (
      <os-container>
        <h2>Charms in the background</h2>
        <p>{derive(charms, (list: Entry[]) => (list ?? []).length)} registered. Times are UTC.</p>
        <table>
          <thead>
            <tr>
              <th>Space</th>
              <th>Charm</th>
              <th>Integration</th>
              <th>Created</th>
              <th>Updated</th>
              <th>Last run</th>
              <th>Status</th>
              <th>Disabled</th>
              <th>Actions</th>
            </tr>
          </thead>
          <tbody>
            {(charms as any).map((charm: any) => (
              <tr>
                <td title={charm.space}>{derive(charm.space, short)}</td>
                <td title={charm.charmId}><a href={derive(charm, page)}>{derive(charm.charmId, short)}</a></td>
                <td>{charm.integration}</td>
                <td>{derive(charm.createdAt, when)}</td>
                <td>{derive(charm.updatedAt, when)}</td>
                <td>{derive(charm.lastRun, when)}</td>
                <td>{charm.status}</td>
                <td>{derive(charm.disabledAt, when)}</td>
                <td>
                  <button type="button" onClick={toggle({ charm })}>{derive(charm, act)}</button>
                  <button type="button" onClick={remove({ charm, charms })}>Delete</button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </os-container>
    ),
    charms,
    bgUpdater: redraw({}),
  }),
);
