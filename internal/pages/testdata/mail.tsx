import { h } from "@commontools/html";
import { handler, NAME, recipe, UI } from "@commontools/builder";

const Auth = { type: "object", default: {}, properties: {
  token: { type: "string", default: "" }, tokenType: { type: "string", default: "" }, scope: { type: "array", items: { type: "string" }, default: [] },
  expiresIn: { type: "number", default: 0 }, refreshToken: { type: "string", default: "" }, expiresAt: { type: "number", default: 0 },
  user: { type: "object", properties: { email: { type: "string", default: "" }, name: { type: "string", default: "" }, picture: { type: "string", default: "" } } },
} };

const update = handler({}, { type: "object", properties: {
  auth: Auth, url: { type: "string" }, mails: { type: "array", default: [], asCell: true },
} }, async (_event, state) => {
  if (!state.auth.token) throw new Error("nobody is connected");
  const res = await fetch(state.url, { headers: { Authorization: "Bearer " + state.auth.token } });
  if (!res.ok) throw new Error("the API answered " + res.status);
  state.mails.set((await res.json()).messages);
});

export default recipe({ type: "object", properties: {
  auth: Auth, url: { type: "string" }, mails: { type: "array", default: [] },
} }, ({ auth, url, mails }) => ({
  [NAME]: "Mail",
  [UI]: (
    <os-container>
      <h2>Mail</h2>
      <common-google-oauth $auth={auth} label="Connect Gmail" />
      <common-table label="Mails" data={mails} />
      <common-updater $state={mails} integration="gmail" />
    </os-container>
  ),
  auth, mails, bgUpdater: update({ auth, url, mails }),
}));
