// What of a DOM event a recipe's handler is given: what it may read of event, event.target and event.detail.

import { CharmElement } from "./elements/element";
import { isField } from "./fields";
import type { Value, Values } from "./protocol";

const keys = ["key", "code", "repeat", "altKey", "ctrlKey", "metaKey", "shiftKey", "button", "clientX", "clientY", "inputType", "data"];
const mostOfDetail = 500_000; // characters

export function eventValue(event: Event, listener: Element): Value {
  const value: Values = { type: event.type, target: targetValue(event.target), currentTarget: targetValue(listener) };
  const given = event as unknown as Record<string, unknown>;
  for (const key of keys) {
    const v = given[key];
    if (typeof v === "string" || typeof v === "number" || typeof v === "boolean") value[key] = v;
  }
  const { detail } = event as CustomEvent;
  const text = detail === undefined || detail === null ? undefined : JSON.stringify(detail) as string | undefined;
  if (text !== undefined && text.length < mostOfDetail) value.detail = JSON.parse(text);
  return value;
}

function targetValue(target: EventTarget | null): Values {
  const value: Values = {};
  if (!(target instanceof HTMLElement)) return value;
  value.id = target.id.replace(/^charm-/, "");
  value.tagName = target.tagName;
  const dataset: Values = {};
  for (const [key, text] of Object.entries(target.dataset)) {
    const name = key.replace(/^charm/, "");
    if (name !== key) dataset[name.charAt(0).toLowerCase() + name.slice(1)] = text!;
  }
  value.dataset = dataset;
  const name = target.getAttribute("name");
  if (name !== null) value.name = name;
  if (isField(target)) value.value = target.value;
  if (target instanceof HTMLInputElement) value.checked = target.checked;
  if (target instanceof CharmElement) for (const name of ["value", "checked"]) if (target.takes(name)) value[name] = target.get(name);
  if (target instanceof HTMLFormElement) {
    const elements: Values = {};
    for (const el of target.elements) {
      const name = el.getAttribute("name");
      if (name !== null && isField(el)) elements[name] = { value: el.value, checked: (el as HTMLInputElement).checked ?? false };
    }
    value.elements = elements;
  }
  return value;
}
