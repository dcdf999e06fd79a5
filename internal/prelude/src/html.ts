// JSX: vnodes are plain data, stored with the result (runtime spec §6). A page is drawn from that by whoever shows it.

type Component = (props: Record<string, unknown>) => unknown;

export const Fragment = "Fragment";

export function h(name: string | Component, props: Record<string, unknown> | null, ...children: unknown[]): unknown {
  if (typeof name === "function") return name({ ...props, children: children.flat() });
  return { type: "vnode", name, props: props ?? {}, children: children.flat() };
}

// Nothing is rendered here; these exist because recipes may import them.
export function render(): never { throw new Error("There is no page to render to in the background."); }
const nothing = (): void => {};
export { nothing as debug, nothing as setDebug, nothing as setEventSanitizer, nothing as setNodeSanitizer };
