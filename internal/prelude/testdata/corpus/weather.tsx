import { derive, fetchData, handler, recipe, str } from "@commontools/builder";
const choose = handler((event, state) => { state.town = event.town; });
export default recipe({ type: "object", properties: { town: { type: "string", default: "rome" } } }, ({ town }) => {
  const answer = fetchData({ url: str`https://weather.test/${town}`, mode: "json" });
  return { town, degrees: derive(answer.result, (r) => r?.degrees ?? null), waiting: answer.pending, bgUpdater: choose({ town }) };
});
