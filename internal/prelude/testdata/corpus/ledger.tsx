import { cell, handler, ID_FIELD, lift, recipe } from "@commontools/builder";
const book = handler({}, { type: "object", properties: { accounts: { type: "array", items: { type: "object", properties: { name: { type: "string" }, amount: { type: "number" } } }, asCell: true } } },
  (event, { accounts }) => {
    const others = accounts.get().filter((account) => account.name !== event.name);
    accounts.set([...others, { name: event.name, amount: event.amount }].map((account) => ({ ...account, [ID_FIELD]: "name" })));
  });
export default recipe("ledger", () => {
  const accounts = cell([]);
  return { accounts, balance: lift((list) => list.reduce((sum, account) => sum + account.amount, 0))(accounts), bgUpdater: book({ accounts }) };
});
