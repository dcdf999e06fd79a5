import { cell, derive, handler, ifElse, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const sign = handler((event, state) => { state.user.name = event.name; state.visits = (state.visits ?? 0) + (event.name ? 1 : 0); });
export default recipe({ type: "object", properties: { greeting: { type: "string", default: "hello" } } }, ({ greeting }) => {
  const user = cell({ name: "" }), visits = cell(0);
  return { [UI]: <div>{ifElse(derive(user.name, (name) => !!name), <b>{greeting} {user.name}</b>, <i>please sign in</i>)}</div>,
    user, visits, bgUpdater: sign({ user, visits }) };
});
