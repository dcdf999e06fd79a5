import { h } from "@commontools/html";
import { handler, NAME, recipe, schema, str, UI } from "@commontools/builder";

const Settings = schema({
  type: "object",
  properties: {
    value: { type: "number", default: 0, asCell: true },
  },
  default: { value: 0 },
});

const increment = handler({}, Settings, (_event, state) => {
  state.value.set(state.value.get() + 1);
});

export default recipe(
  {
    type: "object",
    description: "Counter",
    properties: { value: { type: "number", default: 0 } },
  },
  ({ value }) => ({
    [NAME]: str`Counter: ${value}`,
    [UI]: (
      <div>
        <p>The count is {value}</p>
        <common-button onclick={increment({ value })}>+1</common-button>
        <common-updater $state={value} integration="counter" />
      </div>
    ),
    value,
    bgUpdater: increment({ value }),
  }),
);
