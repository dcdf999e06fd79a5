/**
 * Makes a part of the page what the service says it is now, and touches nothing
 * that is the same: focus, selection, what is being typed and scroll positions stay.
 */
export function morph(from: Element, to: Element): void {
  syncAttributes(from, to);
  // What is being written in is left to the person who writes.
  if (from === document.activeElement && from.matches("input, textarea, select")) return;
  if (!from.isEqualNode(to)) syncChildren(from, to);
}

/** The attributes that people, not the service, change: which parts are folded out. */
const ofPeople = (el: Element, name: string) => name === "open" && el.localName === "details";

function syncAttributes(from: Element, to: Element): void {
  for (const { name, value } of Array.from(to.attributes)) {
    if (from.getAttribute(name) !== value && !ofPeople(from, name)) from.setAttribute(name, value);
  }
  for (const { name } of Array.from(from.attributes)) {
    if (!to.hasAttribute(name) && !ofPeople(from, name)) from.removeAttribute(name);
  }
}

/** What says that two elements are the same one, at another place or another time. */
const keyOf = (node: Node) =>
  node instanceof Element ? node.getAttribute("data-key") ?? (node.id || null) : null;

const alike = (a: Node, b: Node) =>
  a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function syncChildren(from: Element, to: Element): void {
  const keyed = new Map<string, ChildNode>();
  for (const child of Array.from(from.childNodes)) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at: ChildNode | null = from.firstChild;
  for (const wanted of Array.from(to.childNodes)) {
    const key = keyOf(wanted);
    const known = key === null ? null : keyed.get(key) ?? null;
    let same: ChildNode | null = known && alike(known, wanted) ? known : null;
    // Without a key the next one that is alike is taken, if no keyed one is skipped for it.
    if (!same && key === null && at && alike(at, wanted)) same = at;
    if (!same) {
      from.insertBefore(document.importNode(wanted, true), at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else from.insertBefore(same, at);
    if (same instanceof Element) morph(same, wanted as Element);
    else if (same.nodeValue !== wanted.nodeValue) same.nodeValue = wanted.nodeValue;
  }
  while (at) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}
