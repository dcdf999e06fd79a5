// JSX: vnodes are plain data, stored with the result (runtime spec §6). Nothing is rendered here.

export interface VNode {
  type: "vnode";
  name: string;
  props: Record<string, unknown>;
  children: unknown[];
}

type Component = (props: Record<string, unknown>) => unknown;

export const Fragment = "Fragment";

export function h(name: string | Component, props: Record<string, unknown> | null, ...children: unknown[]): unknown {
  if (typeof name === "function") return name({ ...props, children: children.flat() });
  return { type: "vnode", name, props: props ?? {}, children: children.flat() } satisfies VNode;
}

// A page is drawn from the stored result by whoever shows it; these exist because recipes may import them.
export function render(): never {
  throw new Error("There is no page to render to in the background.");
}
export function setEventSanitizer(): void {}
export function setNodeSanitizer(): void {}
export function setDebug(): void {}
export function debug(): void {}
