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

const when = (ms: number | undefined) => ms ? new Date(ms).toISOString() : "–";

export default recipe(
  {
    type: "object",
    properties: { charms: { type: "array", items: entrySchema, default: [] } },
  },
  ({ charms }) => ({
    [NAME]: "BG Updater Management",
    [UI]: (
      <os-container>
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
              <th>Enabled</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {(charms as any).map((charm: any) => (
              <tr>
                <td>{charm.space}</td>
                <td>{charm.charmId}</td>
                <td>{charm.integration}</td>
                <td>{derive(charm.createdAt, when)}</td>
                <td>{derive(charm.updatedAt, when)}</td>
                <td>{derive(charm.lastRun, when)}</td>
                <td>{charm.status}</td>
                <td>
                  <button type="button" onClick={toggle({ charm })}>
                    {derive(charm.disabledAt, (at: any) => at ? "Enable" : "Disable")}
                  </button>
                </td>
                <td>
                  <button type="button" onClick={remove({ charm, charms })}>Delete</button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </os-container>
    ),
    charms,
  }),
);
