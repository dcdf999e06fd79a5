import { Fragment, h } from "@commontools/html";
import { cell, derive, handler, ifElse, NAME, recipe, str, UI } from "@commontools/builder";

type Todo = { title: string; done: boolean };

const increment = handler<any, { count: number }>((_event, state) => {
  state.count = state.count + 1;
});

const add = handler<{ detail: { message: string } }, { items: Todo[] }>((event, { items }) => {
  items.push({ title: event.detail.message, done: false });
});

const check = handler<{ detail: { checked: boolean } }, { item: Todo }>((event, { item }) => {
  item.done = event.detail.checked;
});

const retitle = handler<{ detail: { value: string } }, { title: string }>((event, state) => {
  state.title = event.detail.value;
});

const note = handler<{ key: string; target: { value: string; dataset: { kind: string } } }, { last: string }>((event, state) => {
  if (event.key === "Enter") state.last = `${event.target.dataset.kind}: ${event.target.value}`;
});

const send = handler<{ target: { elements: Record<string, { value: string }> } }, { last: string }>((event, state) => {
  state.last = `sent ${event.target.elements.city.value}`;
});

const fail = handler<any, {}>(() => {
  throw new Error("the moon is full");
});

export default recipe(
  {
    type: "object",
    properties: {
      title: { type: "string", default: "Things" },
      name: { type: "string", default: "" },
      count: { type: "number", default: 0 },
      items: { type: "array", default: [] },
      agreed: { type: "boolean", default: false },
      auth: { type: "object", default: { token: "", user: { name: "", email: "" } } },
      last: { type: "string", default: "nothing yet" },
    },
  },
  ({ title, name, count, items, agreed, auth, last }: any) => ({
    [NAME]: str`Everything: ${title}`,
    [UI]: (
      <os-container>
        <h2>{title}</h2>
        <common-input label="Title" value={title} oncommon-blur={retitle({ title })} />
        <common-hstack gap="md" align="center">
          <common-button onclick={increment({ count })}>+1</common-button>
          <sl-button outline={true} onClick={increment({ count })}>also +1</sl-button>
          <button id="plain" onClick={increment({ count })}>plain +1</button>
          <p id="count">{count} so far</p>
          {ifElse(count, <b id="some">some</b>, <i id="none">none</i>)}
        </common-hstack>
        <common-vstack gap="md" pad="md">
          <common-input $value={name} placeholder="Your name" />
          <p id="greeting">{derive(name, (n: string) => n ? `Hello ${n}!` : "Who are you?")}</p>
          <label htmlFor="note">Note</label>
          <input id="note" data-kind="note" onKeyDown={note({ last })} />
          <label><input type="checkbox" $checked={agreed} id="agree" /> agreed</label>
          <p id="agreed">{derive(agreed, (yes: boolean) => yes ? "agreed" : "not agreed")}</p>
          <form onsubmit={send({ last })}><label>City <input name="city" id="city" /></label><button type="submit">Send</button></form>
          <p id="last">{last}</p>
        </common-vstack>
        <ul id="todos">
          {items.map((item: any) => (
            <li><common-todo checked={item.done} value={item.title} ontodo-checked={check({ item })} /></li>
          ))}
        </ul>
        <common-send-message name="Add" placeholder="What is to do" onmessagesend={add({ items })} />
        <common-table label="Cities" data={[{ city: "Bern", height: 540 }, { city: "Riga", height: 6 }]} />
        <common-draggable><span>move me</span></common-draggable>
        <common-google-oauth $auth={auth} />
        <common-updater $state={count} integration="everything" />
        <common-sparkle level={3}><em>not known</em></common-sparkle>
        <>
          <span>in a fragment</span>
        </>
        <button id="fail" onClick={fail({})}>fail</button>
      </os-container>
    ),
    title, name, count, items, agreed, last,
    bgUpdater: increment({ count }),
  }),
);
