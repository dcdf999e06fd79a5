import { cell, handler, lift, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const put = handler((event, state) => {
  if (event.rate) state.rate = event.rate;
  if (event.price) state.prices.push(event.price);
});
export default recipe("prices", () => {
  const prices = cell([1, 2]), rate = cell(10);
  const rows = prices.map((price, index) => ({ index, gross: lift(({ price, rate }) => price * rate)({ price, rate }) }));
  return { [UI]: <table>{rows.map((row) => <tr>{row.index}={row.gross} </tr>)}</table>, prices, rate, rows, bgUpdater: put({ prices, rate }) };
});
