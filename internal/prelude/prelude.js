!function () {
var __defProp = Object.defineProperty;
var __export = (target, all2) => {
  for (var name in all2)
    __defProp(target, name, { get: all2[name], enumerable: true });
};

// src/host/host.ts
var scope = globalThis;
var host = scope.__host;
delete scope.__host;
var { parse, stringify } = JSON;
var { isArray } = Array;
var { keys, is } = Object;
var NativeDate = Date;
var { deleteProperty } = Reflect;
var everything = Object.prototype;
var lists = Array.prototype;
function writeOut(value) {
  if (!deleteProperty(everything, "toJSON") || !deleteProperty(lists, "toJSON")) throw new TypeError("the recipe gave every object a toJSON that stays");
  return stringify(value);
}
function isObject(value) {
  return typeof value === "object" && value !== null;
}
function own(value, key) {
  return Object.hasOwn(value, key) ? value[key] : void 0;
}
function mapObject(value, change) {
  const out = {};
  for (const key of keys(value)) {
    const field = change(value[key]);
    if (field !== void 0) out[key] = field;
  }
  return out;
}
function isThenable(value) {
  return isObject(value) && typeof value.then === "function";
}

// src/documents/entity.ts
function entityId(source, cause) {
  return host.refer(stringify(cleaned(source, cause)), "link");
}
function newId() {
  return entityId({}, host.uuid());
}
function cleaned(source, cause) {
  const seen = /* @__PURE__ */ new Set();
  const clean = (value) => {
    if (value === void 0 || seen.has(value)) return null;
    seen.add(value);
    if (typeof value === "function") return String(value);
    if (!isObject(value) || "/" in value) return value;
    if (typeof value.toJSON === "function") return value.toJSON();
    if (isArray(value)) return value.map(clean);
    const out = {};
    for (const key of keys(value)) out[key] = clean(value[key]);
    return out;
  };
  return clean({ ...source, causal: cause });
}

// src/documents/document.ts
var Place = class _Place {
  constructor(doc, parent, key) {
    this.doc = doc;
    this.parent = parent;
    this.key = key;
    /** Whether this run has changed what is stored below here, or here. */
    this.changed = "";
  }
  child(key) {
    const name = typeof key === "string" ? key : String(key);
    const kids = this.kids ??= /* @__PURE__ */ new Map();
    let kid = kids.get(name);
    if (kid === void 0) kids.set(name, kid = new _Place(this.doc, this, key));
    return kid;
  }
  at(path) {
    let place = this;
    for (let i = 0; i < path.length; i++) place = place.child(path[i]);
    return place;
  }
  get path() {
    const path = [];
    for (let place = this; place.parent !== void 0; place = place.parent) path.push(place.key);
    return path.reverse();
  }
  /** The value stored here as it is, links not followed; undefined when the path leads through a non-object. */
  raw() {
    if (this.parent === void 0) return this.doc.read();
    const container = this.parent.raw();
    return isObject(container) ? container[this.key] : void 0;
  }
};
var Reads = class {
  constructor() {
    this.places = [];
  }
  add(place) {
    if (place.readIn === this) return;
    place.readIn = this;
    this.places.push(place);
  }
};
var Document = class {
  constructor(name) {
    this.name = name;
    this.root = new Place(this, void 0, "");
    this.dirty = false;
    this.frozen = false;
    /** Grows whenever an object or array of this document is replaced, so that views know that theirs may be gone. */
    this.shape = 0;
    /** Grows with every change. */
    this.version = 0;
    /** Whether the host was asked for the stored document, or need not be. */
    this.loaded = false;
    /** Whether there is a stored document. Its text is not kept: of a long list that would be half of the memory. */
    this.stored = false;
  }
  /** Ids cost a hash, and most temporary documents are never linked to: so they are made when asked for. */
  get id() {
    if (typeof this.name === "function") documents.set(this.name = this.name(), this);
    return this.name;
  }
  read() {
    if (this.loaded) return this.value;
    const text = host.doc(this.id);
    this.loaded = true;
    if (text === "") return void 0;
    this.stored = true;
    const { value, source } = parse(text);
    if (source !== void 0) this.source = documentOf(source["/"]);
    return this.value = value;
  }
  /** Makes this a new document, without asking the host for a stored one. */
  begin(value) {
    this.loaded = true;
    this.value = value;
    return this;
  }
  /** Gives the source document to a document that has none. */
  adopt(source) {
    this.read();
    if (this.source !== void 0) return;
    this.source = source;
    this.touch();
  }
  /** Notes that the document differs from what is stored. */
  touch() {
    this.dirty = true;
    this.version++;
  }
  /** Hands the document to the host unless its text is what is stored already. Answers whether it was handed over. */
  save() {
    const text = writeOut({ value: this.value, source: this.source && { "/": this.source.id } });
    if (this.stored && text === host.doc(this.id)) return false;
    host.put(this.id, text);
    this.stored = true;
    return true;
  }
};
var documents = /* @__PURE__ */ new Map();
function documentOf(id) {
  let doc = documents.get(id);
  if (doc === void 0) documents.set(id, doc = new Document(id));
  return doc;
}
function temporary(value, id = newId) {
  return new Document(id).begin(value);
}

// src/documents/link.ts
var longestChain = 100;
function linkTo(place) {
  return { cell: { "/": place.doc.id }, path: place.path };
}
function isLink(value) {
  return isObject(value) && isObject(value.cell) && typeof value.cell["/"] === "string" && isArray(value.path);
}
function isAlias(value) {
  return isObject(value) && isObject(value.$alias);
}
function placeOf(link) {
  return documentOf(link.cell["/"]).root.at(link.path);
}
function sameLink(a, b) {
  if (a.cell["/"] !== b.cell["/"] || a.path.length !== b.path.length) return false;
  for (let i = 0; i < a.path.length; i++) if (String(a.path[i]) !== String(b.path[i])) return false;
  return true;
}
function isStream(value) {
  return isObject(value) && value.$stream === true;
}
function aliasTarget(doc, alias) {
  return (alias.cell === void 0 ? doc : documentOf(alias.cell["/"])).root.at(alias.path);
}
function follow(doc, value) {
  if (value.cell !== void 0 && isLink(value)) return placeOf(value);
  return value.$alias !== void 0 && isAlias(value) ? aliasTarget(doc, value.$alias) : void 0;
}
var found;
function resolve(place, reads, hops) {
  const { parent, doc } = place;
  if (parent === void 0) found = doc.loaded ? doc.value : doc.read();
  else {
    const at = resolve(parent, reads, hops);
    if (at !== parent) place = at.child(place.key);
    found = typeof found === "object" && found !== null ? found[place.key] : void 0;
  }
  if (typeof found !== "object" || found === null) return place;
  const { cell: cell3, $alias } = found;
  if (cell3 === void 0 && $alias === void 0) return place;
  const next = cell3 === void 0 && typeof $alias === "object" && $alias !== null ? aliasTarget(place.doc, $alias) : follow(place.doc, found);
  if (next === void 0) return place;
  if (hops === longestChain) throw cycle(found, place);
  reads?.add(place);
  return resolve(next, reads, (hops ?? 0) + 1);
}
function anchor(place, reads) {
  if (place.parent === void 0) return place;
  const parent = resolve(place.parent, reads);
  return parent === place.parent ? place : parent.child(place.key);
}
function writeTarget(place) {
  for (let hops = 0; hops <= longestChain; hops++) {
    place = anchor(place);
    found = place.parent === void 0 ? place.doc.read() : isObject(found) ? found[place.key] : void 0;
    if (!isAlias(found)) return place;
    place = aliasTarget(place.doc, found.$alias);
  }
  throw cycle(place.raw(), place);
}
function cycle(value, place) {
  return new Error(`${isAlias(value) ? "Alias" : "Reference"} cycle detected at ${place.doc.id}/${place.path.join("/")}`);
}

// src/host/outside.ts
var outside = false;
function meetOutside() {
  outside = true;
}
function watchOutside() {
  outside = false;
}
function environment() {
  meetOutside();
  return parse(host.env());
}

// src/schedule/memo.ts
var none = {};
var memo = none;
var stale = /* @__PURE__ */ new Set();
function recall(last2, changed3) {
  memo = last2 ?? none;
  if (changed3 !== void 0) stale = new Set(changed3);
}
function isChanged(id) {
  return stale.has(id) || (documents.get(id)?.root.changed ?? "") !== "";
}
function isReplaced(place) {
  if (stale.has(place.doc.id)) return true;
  for (let at = place; at !== void 0; at = at.parent) if (at.changed === "here") return true;
  return false;
}
function isChangedAt(place) {
  return place.changed !== "" || isReplaced(place);
}

// src/schedule/failure.ts
function describeThrown(thrown) {
  if (thrown instanceof Error || isObject(thrown) && typeof thrown.message === "string") {
    const { name, message, stack } = thrown;
    return { name: String(name ?? ""), message: String(message ?? ""), stack: typeof stack === "string" ? stack : "" };
  }
  try {
    return { name: "", message: isObject(thrown) ? stringify(thrown) : String(thrown), stack: "" };
  } catch {
    return { name: "", message: "an object that has no JSON form", stack: "" };
  }
}

// src/schedule/scheduler.ts
var mostRunsBetweenRests = 100;
var nothing = new Reads();
var turns = 0;
var Action = class {
  constructor(source, writes, body) {
    this.source = source;
    this.writes = writes;
    this.body = body;
    this.reads = nothing;
    this.runs = 0;
    this.active = true;
    this.pending = false;
    /** Since when it is pending, or else subscribed, as a count of both. */
    this.since = 0;
    /** Used while a batch is put in order: the actions that read what it writes, and how many it waits for. */
    this.feeds = [];
    this.waits = 0;
    /** What it did the last time depends on more than what it read, or was more than its output. */
    this.volatile = false;
  }
  /** Subscribes to `reads`, and to them only: a change at, above or below one of them makes the action run again. */
  subscribe(reads) {
    const before = this.reads.places;
    for (let i = 0; i < before.length; i++) {
      const { readers: readers2 = [] } = before[i];
      const at = readers2.indexOf(this);
      if (at >= 0) readers2.splice(at, 1);
    }
    this.reads = reads;
    this.since = ++turns;
    const now2 = reads.places;
    for (let i = 0; i < now2.length; i++) (now2[i].readers ??= []).push(this);
  }
  stop() {
    this.active = false;
    this.subscribe(nothing);
  }
};
var events = [];
var pending = [];
var batch = [];
var ranSinceRest = [];
var restWaiters = [];
var waking = false;
var ready = Promise.resolve();
var failures = [];
var running;
function schedule(action) {
  if (action.pending) return;
  action.pending = true;
  action.since = ++turns;
  pending.push(action);
  wake();
}
function deliver(handler3, value) {
  events.push({ handler: handler3, value });
  wake();
}
function whenAtRest(done) {
  restWaiters.push(done);
  wake();
}
function wake() {
  if (waking || running !== void 0) return;
  waking = true;
  void ready.then(turn);
}
function turn() {
  do {
    for (; ; ) {
      for (let action = batch.pop(); action !== void 0; action = batch.pop()) if (!perform(action)) return;
      const event2 = events.shift();
      if (event2 !== void 0 && !settle(event2.handler, void 0, event2.value)) return;
      if (pending.length > 0) {
        batch = inOrder(pending);
        pending = [];
      } else if (events.length === 0) break;
    }
    for (const action of ranSinceRest) action.runs = 0;
    ranSinceRest = [];
    const waiters = restWaiters;
    restWaiters = [];
    for (const done of waiters) done();
  } while (pending.length > 0 || events.length > 0);
  waking = false;
}
function perform(action) {
  action.pending = false;
  if (!action.active) return true;
  if (action.runs === 0) ranSinceRest.push(action);
  if (++action.runs > mostRunsBetweenRests) {
    action.volatile = true;
    fail(action.source, new Error(`Too many iterations: ${action.runs} action`));
    return true;
  }
  return settle(action.source, action, void 0);
}
function settle(source, action, event2) {
  const reads = new Reads();
  watchOutside();
  action?.subscribe(nothing);
  try {
    const result = action === void 0 ? source.handle(event2) : action.body(reads);
    if (action !== void 0) action.volatile = outside || isThenable(result);
    if (isThenable(result)) {
      running = source;
      const resume = () => {
        running = void 0;
        if (action?.active) action.subscribe(reads);
        turn();
      };
      result.then(resume, (thrown) => {
        fail(source, thrown);
        resume();
      });
      return false;
    }
  } catch (thrown) {
    if (action !== void 0) action.volatile = true;
    fail(source, thrown);
  }
  if (action?.active) action.subscribe(reads);
  return true;
}
function fail(source, thrown) {
  failures.push({ kind: source.kind, of: source.code.name || source.label, ...describeThrown(thrown) });
}
function inOrder(actions) {
  if (actions.length < 2) return actions;
  for (const action of actions) {
    action.feeds = [...new Set(action.writes.flatMap((place) => readersAround(place, true)))].filter((fed) => fed !== action);
    for (let j = 0; j < action.feeds.length; j++) action.feeds[j].waits++;
  }
  const order = actions.filter(({ waits }) => waits === 0);
  let left = actions.length;
  for (let i = 0; i < actions.length; i++) {
    if (i === order.length) {
      while (actions[left - 1].waits <= 0) left--;
      let next = actions[left - 1];
      for (let j = left - 1; j > 0 && next.waits > 1; j--) if (actions[j - 1].waits > 0 && actions[j - 1].waits < next.waits) next = actions[j - 1];
      next.waits = 0;
      order.push(next);
    }
    const { feeds } = order[i];
    for (let j = 0; j < feeds.length; j++) if (--feeds[j].waits === 0) order.push(feeds[j]);
  }
  for (let i = 0; i < order.length; i++) order[i].waits = 0;
  return order.reverse();
}
function readersAround(place, pending2) {
  const out = [];
  for (let at = place.parent; at !== void 0; at = at.parent) addReaders(at, pending2, out, false);
  addReaders(place, pending2, out, true);
  return out.length > 1 ? out.sort((a, b) => a.since - b.since) : out;
}
function addReaders({ readers: readers2, kids }, pending2, out, below) {
  if (readers2 !== void 0) {
    for (let i = 0; i < readers2.length; i++) if (readers2[i].pending === pending2) out.push(readers2[i]);
  }
  if (below && kids !== void 0) for (const kid of kids.values()) addReaders(kid, pending2, out, true);
}

// src/schedule/rows.ts
var all = [];
var readers;
var owned = /* @__PURE__ */ new Set();
var asleep = /* @__PURE__ */ Symbol("asleep");
var Rows = class {
  constructor(output) {
    this.output = output;
    /** By index; undefined where one must be started. */
    this.state = [];
    /** Starts one row at once. */
    this.start = () => {
    };
    this.moved = false;
    const last2 = memo[output.id];
    const isStale = ([id, ...path]) => isChangedAt(documentOf(id).root.at(path));
    if (last2 !== void 0 && !last2.shared.some(isStale)) this.known = last2;
    all.push(this);
  }
  /** Where the list is; what is stored there and below wakes rows when it changes. */
  follow(list) {
    if (this.list === list) return;
    if (this.list !== void 0) this.wakeAll();
    this.list = list;
    if (list === void 0) return;
    (list.rows ??= []).push(this);
    if (this.known === void 0 || this.known.shared.length === 0) return;
    const reads = new Reads();
    for (const [id, ...path] of this.known.shared) reads.add(documentOf(id).root.at(path));
    new Action({ kind: "lift", code: recall, label: "map" }, [], () => this.wakeAll()).subscribe(reads);
  }
  /** Puts a row to sleep instead of starting it, if nothing it read has changed. */
  sleeps(index2) {
    const row = this.known?.rows[index2];
    if (!row || this.list === void 0) return false;
    const element = this.list.kids?.get(String(index2));
    if (element === void 0 ? isReplaced(this.list) : isChangedAt(element)) return false;
    if (row[0].some(isChanged) || row[1].some(isChanged)) return false;
    this.state[index2] = asleep;
    readers = void 0;
    return true;
  }
  cut(length) {
    if (this.state.length <= length) return;
    this.moved = true;
    readers = void 0;
    if (this.known !== void 0) this.known.rows.length = Math.min(this.known.rows.length, length);
    for (const row of this.state.splice(length)) if (typeof row === "object") row?.stop();
  }
  wake(index2) {
    if (this.known?.rows[index2]) {
      this.known.rows[index2] = 0;
      this.moved = true;
    }
    if (this.state[index2] !== asleep) return;
    this.state[index2] = void 0;
    if (this.action?.active) schedule(this.action);
  }
  wakeAll() {
    for (let i = 0; i < (this.known?.rows.length ?? 0); i++) this.wake(i);
  }
  startAwake(index2) {
    this.wake(index2);
    if (this.action?.active && this.state[index2] === void 0) this.start(index2);
  }
  /** Whether the map failed before it came to all rows that are remembered. */
  unfinished() {
    const last2 = memo[this.output.id];
    return last2 !== void 0 && last2.rows.length !== this.state.length;
  }
  sleeping(visit) {
    for (let i = 0; i < this.state.length; i++) if (this.state[i] === asleep) visit(this.known.rows[i], i);
  }
  /** What is to be remembered of these rows. */
  memo() {
    const shared = /* @__PURE__ */ new Map();
    for (const place of this.known?.shared ?? []) shared.set(stringify(place), place);
    const rows = this.state.map((row, i) => {
      if (row === asleep) return this.known.rows[i];
      if (!row || this.list === void 0) return 0;
      const seen = new Seen(this.list, i, row);
      if (!seen.scope(row)) return 0;
      for (const place of seen.shared) {
        const at = [place.doc.id, ...place.path];
        shared.set(stringify(at), at);
      }
      for (const id of seen.own) seen.read.delete(id);
      return [[...seen.own], [...seen.read]];
    });
    return { shared: [...shared.values()], rows };
  }
};
var Seen = class {
  constructor(list, index2, row) {
    this.list = list;
    this.index = index2;
    this.own = /* @__PURE__ */ new Set();
    this.read = /* @__PURE__ */ new Set();
    this.shared = /* @__PURE__ */ new Set();
    this.around = /* @__PURE__ */ new Set();
    for (let scope2 = row.parent; scope2 !== void 0; scope2 = scope2.parent) this.around.add(scope2.process);
    this.around.add(list.doc);
  }
  /** Answers false if what the instance computes depends on more than what it read. */
  scope(scope2) {
    for (const doc of scope2.own) this.own.add(doc.id);
    for (const action of scope2.actions) {
      if (action.volatile) return false;
      for (const place of action.reads.places) if (!this.place(place)) return false;
    }
    for (const rows of scope2.maps) {
      this.own.add(rows.output.id);
      for (const [id, ...path] of rows.memo().shared) this.shared.add(documentOf(id).root.at(path));
      rows.sleeping(([own2, read2]) => {
        own2.forEach((id) => this.own.add(id));
        read2.forEach((id) => this.read.add(id));
      });
    }
    return scope2.inner.every((inner) => this.scope(inner));
  }
  place(place) {
    const { doc } = place;
    if (doc.frozen) return true;
    if (!doc.stored) return false;
    if (!this.around.has(doc)) {
      this.read.add(doc.id);
      return true;
    }
    for (let at = place; at.parent !== void 0; at = at.parent) {
      if (at.parent === this.list) return String(at.key) === String(this.index);
    }
    for (let at = this.list; at !== void 0; at = at.parent) if (at === place) return false;
    this.shared.add(place);
    return true;
  }
};
function index() {
  if (readers !== void 0) return readers;
  readers = /* @__PURE__ */ new Map();
  owned = /* @__PURE__ */ new Set();
  for (const rows of all) {
    rows.sleeping(([own2, read2], i) => {
      for (const id of own2) owned.add(id);
      for (const id of [...own2, ...read2]) {
        const at = readers.get(id);
        if (at === void 0) readers.set(id, [[rows, i]]);
        else at.push([rows, i]);
      }
    });
  }
  return readers;
}
var rowsOf = (doc) => (all.length === 0 ? void 0 : index().get(doc.id)) ?? [];
function wakeReaders(doc) {
  if (doc.frozen || !doc.stored) return;
  for (const [rows, i] of rowsOf(doc)) rows.wake(i);
}
function startRows(doc) {
  for (const [rows, i] of rowsOf(doc)) rows.startAwake(i);
}
function isAsleep(doc) {
  if (all.length > 0) index();
  return owned.has(doc.id);
}
function remembered() {
  if (all.length === 0 && memo === none) return void 0;
  const here = new Set(all.map((rows) => rows.output.id));
  const elsewhere = keys(memo).filter((id) => !here.has(id));
  readers = void 0;
  if (elsewhere.length > 0) index();
  const kept = elsewhere.filter((id) => owned.has(id));
  if (kept.length === elsewhere.length && !all.some((rows) => rows.moved || rows.unfinished())) return void 0;
  const next = {};
  for (const id of kept) next[id] = memo[id];
  for (const rows of all) next[rows.output.id] = rows.memo();
  for (const id of keys(next)) if (next[id].rows.every((row) => row === 0)) delete next[id];
  return next;
}
function drop(ended) {
  if (ended.length > 0) all = all.filter((rows) => !ended.includes(rows));
}

// src/cells/frame.ts
var Frame = class {
  constructor(parent, scope2, reads, makeCause, once = false) {
    this.parent = parent;
    this.scope = scope2;
    this.reads = reads;
    this.makeCause = makeCause;
    this.once = once;
    /** Opaque refs made in this frame, in order. */
    this.roots = [];
    this.idsGiven = 0;
  }
  /** What the ids of documents made in this frame depend on. Made when first asked for: most frames make none. */
  get cause() {
    return this.causeMade ??= this.makeCause?.();
  }
  nextId() {
    return this.idsGiven++;
  }
};
var Root = class {
  constructor(frame, value, schema2) {
    this.frame = frame;
    this.value = value;
    this.schema = schema2;
    this.nodes = /* @__PURE__ */ new Set();
    this.path = [];
  }
};
var top;
function topFrame() {
  return top;
}
function pushFrame(scope2, reads, makeCause, once) {
  return top = new Frame(top, scope2 ?? top?.scope, reads ?? top?.reads, makeCause, once);
}
function popFrame(frame = top) {
  let at = top;
  while (at !== void 0 && at !== frame) at = at.parent;
  if (at !== void 0) top = at.parent;
}

// src/cells/make.ts
var cellOf;
var newCell;
function makeCellsBy(of, at) {
  [cellOf, newCell] = [of, at];
}

// src/cells/schema.ts
var Plan = class {
  constructor(schema2, root2) {
    this.root = root2;
    this.kind = "scalar";
    /** Nothing below is a cell or a view: then reading needs no places, only stored values. */
    this.plain = false;
    /** A primitive that is stored is what is read. */
    this.asIs = false;
    /** An object of primitives. */
    this.flat = false;
    /** Of those that are guarded every object has one from its prototype. */
    this.fields = [];
    this.options = [];
    this.asCell = schema2.asCell === true || schema2.asStream === true;
    const { asCell: _cell, asStream: _stream, ...rest } = schema2.$ref === "#" ? root2 : schema2;
    if (isArray(rest.anyOf) && rest.anyOf.length > 0 && rest.anyOf.every(({ asCell, asStream }) => asCell || asStream)) {
      this.asCell = true;
      rest.anyOf = rest.anyOf.map(({ asCell: _cell2, asStream: _stream2, ...option }) => option);
    }
    this.schema = keys(rest).length > 0 ? rest : void 0;
    this.default = rest.default;
  }
};
var plans = /* @__PURE__ */ new WeakMap();
var anything = planOf({});
function planOf(schema2, root2 = schema2) {
  if (!isObject(schema2)) return anything;
  const known = plans.get(schema2);
  if (known?.root === root2) return known;
  const plan = new Plan(schema2, root2);
  plans.set(schema2, plan);
  fill(plan, plan.schema ?? {}, root2);
  return plan;
}
function fill(plan, { type: type2, properties, additionalProperties: extra, items, anyOf }, root2) {
  const parts = [];
  const part = (schema2) => {
    const made = planOf(schema2, root2);
    parts.push(made);
    return made;
  };
  if (isArray(anyOf)) {
    plan.kind = "choice";
    plan.options = anyOf.map(part);
  } else if (type2 === "object" && (properties || extra)) {
    plan.kind = "object";
    for (const key of keys(properties ?? {})) plan.fields.push({ key, plan: part(properties[key]), guarded: key in Object.prototype });
    if (extra) plan.extra = part(extra === true ? {} : extra);
  } else if (type2 === "array" && items !== void 0) {
    plan.kind = "array";
    plan.items = part(items);
  } else if (type2 === void 0 || type2 === "object" || type2 === "array") plan.kind = "view";
  if (plan.asCell && plan.schema !== void 0) planOf(plan.schema, root2);
  plan.asIs = !plan.asCell && (plan.kind === "scalar" || plan.kind === "view");
  plan.flat = plan.kind === "object" && plan.extra === void 0 && parts.every((made) => made.asIs);
  plan.plain = plan.kind !== "view" && !plan.asCell && parts.every((made) => made.plain);
}
function copyOf(raw) {
  return isObject(raw) ? parse(stringify(raw)) : raw;
}
function schemaAt(schema2, key, root2 = schema2) {
  const whole = schema2?.$ref === "#" ? root2 : schema2;
  if (whole === void 0) return void 0;
  const extra = isObject(whole.additionalProperties) ? whole.additionalProperties : void 0;
  return own(whole.properties ?? {}, String(key)) ?? (whole.type === "array" ? whole.items : extra);
}
function defaultsOf(schema2) {
  if (schema2?.type !== "object") return schema2?.default;
  const out = {};
  for (const key of keys(schema2.properties ?? {})) {
    const value = defaultsOf(schema2.properties[key]);
    if (value !== void 0) out[key] = copyOf(value);
  }
  return keys(out).length > 0 ? out : void 0;
}

// src/schedule/change.ts
function changed(place) {
  place.changed = "here";
  for (let at = place; at.parent !== void 0; at = at.parent) {
    const { rows } = at.parent;
    at.parent.changed ||= "below";
    if (rows !== void 0) for (let i = 0; i < rows.length; i++) rows[i].wake(Number(at.key));
  }
  const readers2 = readersAround(place, false);
  for (let i = 0; i < readers2.length; i++) schedule(readers2[i]);
  wakeBelow(place);
  wakeReaders(place.doc);
}
function wakeBelow(place) {
  if (place.rows !== void 0) for (let i = 0; i < place.rows.length; i++) place.rows[i].wakeAll();
  if (place.kids !== void 0) for (const kid of place.kids.values()) wakeBelow(kid);
}

// src/web/pairs.ts
var Pairs = class {
  keys() {
    return [...this].map((pair) => pair[0])[Symbol.iterator]();
  }
  values() {
    return [...this].map((pair) => pair[1])[Symbol.iterator]();
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  forEach(callback) {
    for (const [name, value] of this) callback(value, name, this);
  }
};
function pairsOf(init) {
  return Symbol.iterator in init ? init : Object.entries(init);
}
function hide(object2, ...fields) {
  for (const field of fields) Object.defineProperty(object2, field, { enumerable: false });
}

// src/web/url.ts
var settable = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
var URL = class _URL {
  constructor(input, base) {
    const text = parseURL(input, base);
    if (text === "") throw new TypeError(`Invalid URL: ${input}`);
    this.parts = parse(text);
    this.searchParams = new URLSearchParams(this.parts.search, (search) => this.set("search", search));
    hide(this, "parts", "searchParams");
  }
  static parse(url, base) {
    return _URL.canParse(url, base) ? new _URL(url, base) : null;
  }
  static canParse(input, base) {
    return parseURL(input, base) !== "";
  }
  get href() {
    return this.parts.href;
  }
  get origin() {
    return this.parts.origin;
  }
  toString() {
    return this.parts.href;
  }
  toJSON() {
    return this.parts.href;
  }
  set href(href) {
    this.parts = new _URL(href).parts;
    this.searchParams.reread(this.parts.search);
  }
  part(part) {
    return this.parts[part];
  }
  /** Sets one part; a value that is not valid for it changes nothing, as in browsers. */
  set(part, value) {
    const text = host.urlset(this.parts.href, part, value);
    if (text !== "") this.parts = parse(text);
  }
};
function parseURL(input, base) {
  return host.url(String(input), base === void 0 ? void 0 : String(base));
}
for (const part of settable) {
  Object.defineProperty(URL.prototype, part, {
    configurable: true,
    enumerable: true,
    get() {
      return this.part(part);
    },
    set(value) {
      this.set(part, String(value));
      if (part === "search") this.searchParams.reread(this.part("search"));
    }
  });
}
var URLSearchParams = class extends Pairs {
  constructor(init = "", changed3) {
    super();
    this.changed = changed3;
    this.pairs = [];
    hide(this, "pairs", "changed");
    if (typeof init === "string") this.reread(init);
    else for (const [name, value] of pairsOf(init)) this.pairs.push([String(name), String(value)]);
  }
  reread(search) {
    this.pairs = search === "" ? [] : parse(host.query(search));
  }
  get size() {
    return this.pairs.length;
  }
  get(name) {
    return this.pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  }
  getAll(name) {
    return this.pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }
  append(name, value) {
    this.replace([...this.pairs, [String(name), String(value)]]);
  }
  has(name, value) {
    return this.pairs.some((pair) => pair[0] === name && (value === void 0 || pair[1] === String(value)));
  }
  delete(name, value) {
    this.replace(this.pairs.filter((pair) => pair[0] !== name || value !== void 0 && pair[1] !== String(value)));
  }
  set(name, value) {
    const first = this.pairs.find((pair) => pair[0] === name);
    if (first === void 0) return this.append(name, value);
    first[1] = String(value);
    this.replace(this.pairs.filter((pair) => pair === first || pair[0] !== name));
  }
  entries() {
    return this.pairs.map(([name, value]) => [name, value])[Symbol.iterator]();
  }
  toString() {
    return host.querytext(stringify(this.pairs));
  }
  replace(pairs) {
    this.pairs = pairs;
    this.changed?.(this.toString());
  }
};

// src/cells/session.ts
var session = {
  space: "",
  /** Every document that this run makes is new, so the host need not be asked for a stored one. */
  fresh: false,
  /** The recipe asked for another run at once. */
  again: false
};
function getRecipeEnvironment() {
  const { apiUrl, occasion } = environment();
  let url;
  return {
    get apiUrl() {
      return url ??= new URL(apiUrl);
    },
    set apiUrl(other) {
      url = other;
    },
    occasion,
    again: () => void (session.again = true)
  };
}

// src/cells/symbols.ts
var ID = /* @__PURE__ */ Symbol("ID, unique to the context");
var ID_FIELD = /* @__PURE__ */ Symbol("ID_FIELD, name of the field that holds the id");
var PLACE = /* @__PURE__ */ Symbol("place");
var LINK = /* @__PURE__ */ Symbol("link");
var REF = /* @__PURE__ */ Symbol("ref");
var GRAPH = /* @__PURE__ */ Symbol("graph");

// src/cells/write.ts
var deepest = 512;
function write(place, value) {
  const target = writeTarget(place);
  assign(target, containerOf(target), value);
}
function append(place, values) {
  const list = place.raw();
  const before = list.length;
  for (const [i, value] of values.slice(0, lengthOf(values)).entries()) {
    const kid = place.child(before + i);
    const likeSibling = isObject(value) && value[ID_FIELD] !== void 0;
    const anchor2 = anchorOf(place);
    put(kid, list, likeSibling ? asEntity(value, anchor2, list.slice(0, before)) : copied(kid, anchor2, value, 0));
  }
}
function replace(place, raw) {
  put(place, containerOf(place), raw);
}
function storedForm(place, value) {
  return copied(place, anchorOf(place), value, 0);
}
function replaceElements(place, elements) {
  const current = place.raw();
  if (current.length === elements.length && current.every((value, i) => is(value, elements[i]))) return;
  put(place, containerOf(place), elements);
}
function resize(place, length) {
  refuseFrozen(place.doc);
  place.raw().length = length;
  place.doc.touch();
  place.doc.shape++;
  changed(place);
}
function containerOf(place) {
  const parent = place.parent;
  if (parent === void 0) {
    place.doc.read();
    return place.doc;
  }
  const raw = parent.raw();
  if (isObject(raw)) return raw;
  if (raw !== void 0 && raw !== null) throw new TypeError(`Can't set "${place.key}" of a ${typeof raw}`);
  const made = typeof place.key === "number" ? [] : {};
  put(parent, containerOf(parent), made);
  return made;
}
function keyOf(place) {
  return place.parent === void 0 ? "value" : place.key;
}
function assign(place, container, value, siblings) {
  const current = container[keyOf(place)];
  let next = linked(value);
  if (isAlias(next)) {
    if (!isAlias(current) || stringify(current) !== stringify(next)) put(place, container, copyOfJSON(next));
    return;
  }
  if (isAlias(current)) {
    const target = writeTarget(aliasTarget(place.doc, current.$alias));
    return assign(target, containerOf(target), next);
  }
  if (isObject(next) && isMarked(next)) next = asEntity(next, anchorOf(place), siblings);
  if (isLink(next)) {
    if (placeOf(next) !== place && (!isLink(current) || !sameLink(current, next))) put(place, container, { ...next });
  } else if (isArray(next) && isArray(current)) {
    assignElements(place, current, next);
  } else if (!isArray(next) && isObject(next) && isObject(current) && !isArray(current) && !isLink(current)) {
    assignFields(place, current, next);
  } else if (isObject(next)) {
    put(place, container, copied(place, anchorOf(place), next, 0));
  } else {
    const plain3 = storable(next);
    if (!is(current, plain3)) put(place, container, plain3);
  }
}
function assignElements(place, current, next) {
  const before = current.slice();
  const taken = /* @__PURE__ */ new Set();
  const length = lengthOf(next);
  const sources = next.map((value) => isObject(value) ? elementIn(place, value[PLACE]) : -1);
  const moved = new Set(sources.filter((from, i) => from !== i));
  for (let i = 0; i < length; i++) {
    const value = next[i];
    const from = sources[i];
    if (from >= 0 && from < before.length) moveElement(place, current, i, from, before, taken);
    else if (i >= current.length || differs(current[i], value)) {
      if (moved.has(i)) put(place.child(i), current, copyOfJSON(current[i]));
      assign(place.child(i), current, value, before);
    }
  }
  if (current.length > length) resize(place, length);
}
var elementIn = (list, at) => at?.parent === list ? Number(at.key) : -1;
function lengthOf(list) {
  let { length } = list;
  while (length > 0 && list[length - 1] === void 0) length--;
  return length;
}
function moveElement(place, current, to, from, before, taken) {
  const raw = before[from];
  if (taken.has(from)) put(place.child(to), current, isObject(raw) ? copyOfJSON(raw) : raw);
  else if (current[to] !== raw) put(place.child(to), current, raw);
  taken.add(from);
}
function assignFields(place, current, next) {
  const names = keys(next);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    if (differs(current[key], next[key])) assign(place.child(key), current, next[key]);
  }
  const before = keys(current);
  for (let i = 0; i < before.length; i++) if (!(before[i] in next)) put(place.child(before[i]), current, void 0);
}
function differs(current, next) {
  return isObject(next) || isObject(current) || !is(current, next);
}
function put(place, container, raw) {
  refuseFrozen(place.doc);
  const fields = container;
  const key = keyOf(place);
  if (key === "__proto__") return;
  if (isObject(fields[key])) place.doc.shape++;
  if (raw !== void 0) fields[key] = raw;
  else if (delete fields[key] && isArray(container)) container.length = lengthOf(container);
  place.doc.touch();
  changed(place);
}
function refuseFrozen(doc) {
  if (doc.frozen) throw new Error("Cell is read-only");
}
function linked(value) {
  if (!isObject(value)) return value;
  return value[LINK] ?? (value[REF] === void 0 ? value : null);
}
function anchorOf(place) {
  while (place.parent !== void 0 && isArray(place.parent.raw())) place = place.parent;
  return place;
}
function isMarked(value) {
  return value[ID] !== void 0 || value[ID_FIELD] !== void 0;
}
function asEntity(value, anchor2, siblings) {
  const field = value[ID_FIELD];
  let id = value[ID];
  if (field !== void 0) {
    const sibling2 = siblings?.find((link) => isLink(link) && fieldOf(link, field) === value[field]);
    if (sibling2 !== void 0) {
      write(placeOf(sibling2), unmarked(value));
      return sibling2;
    }
    id ??= host.uuid();
  }
  const frame = topFrame();
  const doc = documentOf(entityId({ id }, { parent: { "/": anchor2.doc.id }, path: anchor2.path, context: frame?.cause }));
  if (!doc.loaded && (session.fresh || frame?.once)) doc.begin();
  doc.adopt(anchor2.doc);
  write(doc.root, unmarked(value));
  return linkTo(doc.root);
}
function unmarked(value) {
  const { [ID]: _id, [ID_FIELD]: _field, ...rest } = value;
  return rest;
}
function fieldOf(link, field) {
  resolve(placeOf(link).child(field));
  return found;
}
function copied(place, anchor2, value, depth) {
  let next = linked(value);
  if (!isObject(next)) return storable(next);
  if (isMarked(next)) next = asEntity(next, anchor2);
  if (depth > deepest) throw new RangeError(`A value nested deeper than ${deepest} levels can't be stored`);
  if (isArray(next)) {
    const list = new Array(lengthOf(next));
    for (let i = 0; i < list.length; i++) {
      const item = next[i];
      list[i] = isObject(item) ? copied(place.child(i), anchor2, item, depth + 1) : storable(item);
    }
    return list;
  }
  const out = {};
  const names = keys(next);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    const field = next[key];
    const kid = isObject(field) ? place.child(key) : place;
    const raw = isObject(field) ? copied(kid, kid, field, depth + 1) : storable(field);
    if (raw !== void 0 && key !== "__proto__") out[key] = raw;
  }
  return out;
}
function storable(value) {
  if (typeof value === "function") {
    const { toJSON } = value;
    return toJSON === void 0 ? void 0 : copyOfJSON(toJSON());
  }
  if (typeof value === "bigint") throw new TypeError("A BigInt can't be stored");
  return typeof value === "symbol" ? void 0 : value;
}
function copyOfJSON(value) {
  return parse(stringify(value));
}

// src/cells/array.ts
var reading = "at concat entries every filter find findIndex findLast findLastIndex includes indexOf join keys lastIndexOf map reduce reduceRight slice some toLocaleString toString values with".split(" ");
var changing = {
  pop: (raw, _, of) => detached(of, raw.pop()),
  shift: (raw, _, of) => detached(of, raw.shift()),
  unshift: (raw, args, of) => raw.unshift(...args.map((value) => storedForm(of.place, value))),
  splice: (raw, args, of) => {
    const [start, count, ...added] = args;
    const stored = added.map((value) => storedForm(of.place, value));
    return detached(of, args.length < 2 ? raw.splice(...args) : raw.splice(start, count, ...stored));
  },
  reverse: (raw) => raw.reverse(),
  fill: (raw, [value, start, end], of) => {
    for (const i of raw.map((_, i2) => i2).slice(start, end)) raw[i] = storedForm(of.place, value);
    return raw;
  },
  sort: (raw, [compare], of) => {
    const pairs = raw.map((value, i) => ({ value, seen: of.field(raw, i) }));
    pairs.sort((a, b) => compare === void 0 ? byText(String(a.seen), String(b.seen)) : compare(a.seen, b.seen));
    pairs.forEach((pair, i) => raw[i] = pair.value);
    return raw;
  }
};
var arrayMethods = /* @__PURE__ */ new Map();
for (const name of reading) {
  const method2 = Array.prototype[name];
  arrayMethods.set(name, (of, raw) => (...args) => method2.apply(raw.map((_, i) => of.field(raw, i)), args));
}
for (const [name, change] of Object.entries(changing)) {
  arrayMethods.set(name, (of) => (...args) => {
    meetOutside();
    const copy = [...of.place.raw()];
    const result = change(copy, args, of);
    replaceElements(of.place, copy);
    return result === copy ? of.another(of.place, of.reads) : result;
  });
}
arrayMethods.set("push", (of) => (...args) => {
  meetOutside();
  const length = of.place.raw().length + args.length;
  append(of.place, args);
  return length;
});
function detached(of, value) {
  return isObject(value) ? of.another(temporary(value).root) : value;
}
function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// src/cells/view.ts
function view(place, reads) {
  const at = resolve(place, reads);
  const raw = found;
  reads?.add(at);
  return isObject(raw) ? new Proxy(raw, new View(at, reads, at.doc.shape)) : raw;
}
var View = class _View {
  constructor(place, reads, shape, from, key = "") {
    this.place = place;
    this.reads = reads;
    this.shape = shape;
    this.from = from;
    this.key = key;
  }
  /** As the reader took it: an index is a number or a text, and links to the value keep that. */
  get path() {
    return this.from === void 0 ? this.place.path : [...this.from.path, this.key];
  }
  get(target, key, receiver) {
    if (typeof key === "symbol") return this.symbol(target, key, receiver);
    const raw = this.raw(target);
    const value = raw[key];
    if (typeof value !== "function") return this.shown(value, key);
    return isArray(raw) ? arrayMethods.get(key)?.(this, raw) ?? value : value;
  }
  set(_target, key, value) {
    if (typeof key === "symbol") return true;
    meetOutside();
    if (key === "length" && isArray(this.place.raw())) resize(this.place, Number(value));
    else write(this.place.child(key), value);
    return true;
  }
  deleteProperty(_target, key) {
    meetOutside();
    if (typeof key === "string") write(this.place.child(key), void 0);
    return true;
  }
  field(raw, key) {
    return this.shown(raw[key], key);
  }
  another(place, reads) {
    return view(place, reads);
  }
  // An object inside this one's document is noted as read with this one: only links and aliases lead elsewhere.
  shown(value, key) {
    if (!isObject(value)) return value;
    if (isAlias(value) || isLink(value)) return view(this.place.child(key), this.reads);
    return new Proxy(value, new _View(this.place.child(key), this.reads, this.place.doc.shape, this, key));
  }
  /** The stored object; usually the one that the proxy was made for, unless something has replaced it since. */
  raw(target) {
    if (this.shape === this.place.doc.shape) return target;
    resolve(this.place, this.reads);
    return isObject(found) ? found : {};
  }
  symbol(target, key, receiver) {
    if (key === PLACE) return this.place;
    if (key === LINK) return { cell: { "/": this.place.doc.id }, path: this.path };
    return Reflect.get(this.raw(target), key, receiver);
  }
};

// src/cells/default.ts
function defaultAt(place, plan, value, reads) {
  if (plan.asCell) return newCell(place, withDefault(plan.schema, value), plan.root, reads);
  if (plan.kind === "object" && isObject(value)) return defaultFields(place, plan, value, reads);
  if (plan.kind === "array" && isArray(value)) {
    return value.map((item, i) => defaultAt(place?.child(i), plan.items, item, reads));
  }
  return plan.kind === "view" && isObject(value) ? view(temporary(copyOf(value)).root) : copyOf(value);
}
function defaultFields(place, plan, value, reads) {
  const out = {};
  for (const { key, plan: part } of plan.fields) {
    const stated = own(value, key);
    const given = stated === void 0 ? part.default : stated;
    if (given !== void 0 || part.asCell) out[key] = defaultAt(place?.child(key), part, given, reads);
  }
  if (plan.extra !== void 0) {
    for (const key of keys(value)) if (!Object.hasOwn(out, key)) out[key] = defaultAt(place?.child(key), plan.extra, value[key], reads);
  }
  return out;
}
function withDefault(schema2, value) {
  return value === void 0 || value === schema2?.default ? schema2 : { ...schema2, default: value };
}

// src/cells/read.ts
function read(place, plan, reads) {
  if (plan.asCell) return cellOf(place, plan, reads);
  if (plan.kind === "view" && plan.default === void 0) return view(place, reads);
  const at = resolve(place, reads);
  const raw = found;
  reads?.add(at);
  return shaped(at.doc, at, raw, plan, reads);
}
function shaped(doc, place, raw, plan, reads) {
  if (raw === void 0 && plan.default !== void 0) return defaultAt(place, plan, plan.default, reads);
  switch (plan.kind) {
    case "view":
      return view(place, reads);
    case "object":
      return shapedObject(doc, place, isArray(raw) ? { ...raw } : isObject(raw) ? raw : {}, plan, reads);
    case "array":
      return isArray(raw) ? shapedList(doc, place, raw, plan.items, reads) : [];
    case "choice":
      return chosen(doc, place, raw, plan, reads);
    case "scalar":
      return copyOf(raw);
  }
}
function member(doc, place, raw, plan, reads) {
  if (plan.asCell) return read(place, plan, reads);
  if (typeof raw !== "object" || raw === null) return plan.asIs ? raw : shaped(doc, place, raw, plan, reads);
  if (plan.flat && isLink(raw) && raw.path.length === 0) return snapshot(documentOf(raw.cell["/"]), plan, reads);
  const next = follow(doc, raw);
  return next === void 0 ? shaped(doc, place, raw, plan, reads) : read(next, plan, reads);
}
function snapshot(doc, plan, reads) {
  const { seen } = doc;
  if (seen === void 0 || seen.plan !== plan || seen.version !== doc.version) {
    const copy = read(doc.root, plan, reads);
    if (!isObject(copy)) return copy;
    const at = resolve(doc.root);
    if (at === doc.root && !keys(copy).some((key) => isObject(copy[key]))) doc.seen = { plan, version: doc.version, copy };
    return { ...copy };
  }
  reads?.add(doc.root);
  return { ...seen.copy };
}
function shapedObject(doc, place, raw, plan, reads) {
  const out = {};
  const { fields } = plan;
  for (let i = 0; i < fields.length; i++) {
    const { key, plan: part, guarded } = fields[i];
    const value = guarded ? own(raw, key) : raw[key];
    if (value === void 0 && !part.asCell) {
      if (part.default !== void 0) out[key] = defaultAt(part.plain ? void 0 : place.child(key), part, part.default, reads);
    } else if (part.asIs && (typeof value !== "object" || value === null)) out[key] = value;
    else out[key] = member(doc, part.plain ? void 0 : place.child(key), value, part, reads);
  }
  if (plan.extra !== void 0) {
    for (const key of keys(raw)) {
      if (plan.fields.some((field) => field.key === key)) continue;
      out[key] = member(doc, plan.extra.plain ? void 0 : place.child(key), raw[key], plan.extra, reads);
    }
  }
  return out;
}
var targets = /* @__PURE__ */ new WeakMap();
function shapedList(doc, place, raw, items, reads) {
  const out = new Array(raw.length);
  const flat = items.flat && !items.asCell;
  let known = flat ? targets.get(raw) : void 0;
  if (flat && known === void 0) targets.set(raw, known = { links: [], docs: [] });
  for (let i = 0; i < raw.length; i++) {
    const item = raw[i];
    if (known !== void 0 && typeof item === "object") {
      if (known.links[i] !== item) {
        known.links[i] = item;
        known.docs[i] = isLink(item) && item.path.length === 0 ? documentOf(item.cell["/"]) : void 0;
      }
      const target = known.docs[i];
      if (target !== void 0) {
        const { seen } = target;
        if (seen === void 0 || seen.plan !== items || seen.version !== target.version) out[i] = snapshot(target, items, reads);
        else {
          reads?.add(target.root);
          out[i] = { ...seen.copy };
        }
        continue;
      }
    }
    out[i] = member(doc, items.plain ? void 0 : place.child(i), item, items, reads);
  }
  return out;
}
function chosen(doc, place, raw, plan, reads) {
  if (raw === null || raw === void 0) return void 0;
  const fitting = plan.options.filter((option) => fits(option, raw));
  if (fitting.length === 0) return void 0;
  const cell3 = fitting.find((option) => option.asCell);
  if (cell3 !== void 0) return read(place, cell3, reads);
  if (isArray(raw)) {
    const items = fitting.flatMap((option) => option.items ?? []);
    if (items.length === 0) return view(place, reads);
    const every = () => items.flatMap(({ schema: schema2 = {}, asCell }) => (schema2.anyOf ?? [schema2]).map((option) => asCell ? { ...option, asCell } : option));
    const part = fitting.length === 1 ? items[0] : planOf({ anyOf: every() }, plan.root);
    return shapedList(doc, place, raw, part, reads);
  }
  const open = fitting.find((option) => option.kind !== "object");
  if (open !== void 0) return shaped(doc, place, raw, open, reads);
  return Object.assign({}, ...fitting.map((option) => shaped(doc, place, raw, option, reads)));
}
function fits(option, raw) {
  const type2 = option.schema?.type;
  if (isArray(raw)) return type2 === "array";
  if (option.asCell && type2 === void 0) return true;
  if (isObject(raw)) return type2 === "object" && (option.asCell || option.kind === "object");
  return type2 === typeof raw || type2 === "integer" && typeof raw === "number";
}

// src/cells/cell.ts
function cellAt(place, schema2, root2 = schema2, reads) {
  return isStreamAt(place) ? new Stream(place) : new Cell(place, schema2, root2, reads);
}
function isStreamAt(place) {
  if (!place.doc.loaded && !isAsleep(place.doc)) return false;
  resolve(place);
  return isStream(found);
}
function sendEvent(place, event2) {
  const at = resolve(place);
  if (at.handlers === void 0) startRows(at.doc);
  const handlers = at.handlers ?? [];
  for (const handler3 of handlers) deliver(handler3, event2);
  meetOutside();
  return handlers.length > 0;
}
var Located = class {
  constructor(place) {
    this.place = place;
  }
  get [PLACE]() {
    return this.place;
  }
  get [LINK]() {
    return { space: session.space, ...linkTo(this.place) };
  }
  get cellLink() {
    return this[LINK];
  }
  get entityId() {
    return { "/": this.place.doc.id };
  }
  getAsCellLink() {
    return this[LINK];
  }
  toJSON() {
    return linkTo(this.place);
  }
};
var Stream = class extends Located {
  send(event2) {
    sendEvent(this.place, event2);
  }
  sink(callback) {
    const at = resolve(this.place);
    const handler3 = { kind: "handler", code: callback, label: "sink", handle: callback };
    (at.handlers ??= []).push(handler3);
    return () => void (at.handlers = at.handlers?.filter((other) => other !== handler3));
  }
};
var Cell = class _Cell extends Located {
  constructor(place, schema2, rootSchema, reads) {
    super(place);
    this.schema = schema2;
    this.rootSchema = rootSchema;
    this.reads = reads;
  }
  get value() {
    return this.get();
  }
  get() {
    const schema2 = this.schema ?? aliasSchema(this.place);
    if (schema2 === void 0) return view(this.place, this.reads);
    return read(this.place, planOf(schema2, this.rootSchema ?? schema2), this.reads);
  }
  set(value) {
    meetOutside();
    if (isStreamAt(this.place)) sendEvent(this.place, value);
    else write(this.place, value);
  }
  send(value) {
    this.set(value);
  }
  update(values) {
    if (!isObject(values)) throw new Error("Can't update with non-object value");
    meetOutside();
    for (const key of keys(values)) write(this.place.child(key), values[key]);
  }
  push(...values) {
    meetOutside();
    const at = resolve(this.place);
    if (found === void 0) write(at, isArray(this.schema?.default) ? this.schema.default : []);
    else if (!isArray(found)) throw new Error("Can't push into non-array value");
    const frame = topFrame();
    append(at, values.map((value) => frame !== void 0 && isBare(value) ? { ...value, [ID]: frame.nextId() } : value));
  }
  key(key) {
    return cellAt(this.place.child(key), schemaAt(this.schema, key, this.rootSchema), this.rootSchema, this.reads);
  }
  equals(other) {
    return stringify(this) === stringify(other);
  }
  withLog(reads) {
    return new _Cell(this.place, this.schema, this.rootSchema, reads);
  }
  getAsQueryResult(path = [], reads = this.reads) {
    return view(this.place.at(path), reads);
  }
  asSchema(schema2, root2 = schema2) {
    return new _Cell(this.place, schema2, root2, this.reads);
  }
  /** Calls back now and whenever something that the callback's value is made of has changed. */
  sink(callback) {
    const action = new Action({ kind: "lift", code: callback, label: "sink" }, [], (reads) => {
      callback(this.withLog(reads).get());
    });
    schedule(action);
    return () => action.stop();
  }
  getSourceCell(schema2) {
    const { doc } = this.place;
    doc.read();
    return doc.source && cellAt(doc.source.root, schema2);
  }
};
function aliasSchema(place) {
  const raw = anchor(place).raw();
  return isAlias(raw) ? raw.$alias.schema : void 0;
}
function isBare(value) {
  if (!isObject(value) || isArray(value)) return false;
  const marks = value;
  return marks[ID] === void 0 && marks[LINK] === void 0 && marks[REF] === void 0;
}
makeCellsBy((place, { schema: schema2, root: root2 }, reads) => {
  const at = writeTarget(place);
  const raw = found;
  if (!isLink(raw)) return isStream(raw) ? new Stream(at) : new Cell(at, schema2, root2, reads);
  reads?.add(at);
  return cellAt(placeOf(raw), schema2, root2, reads);
}, (place, schema2, root2, reads) => new Cell(place, schema2, root2, reads));

// src/documents/store.ts
function saveChanges(roots) {
  const queue = /* @__PURE__ */ new Set();
  let anyNew = false;
  for (const doc of documents.values()) {
    if (doc.dirty && (doc.stored || roots.includes(doc))) queue.add(doc);
    anyNew ||= isNew(doc);
  }
  let saved = 0;
  for (const doc of queue) {
    if (doc.save()) saved++;
    if (!anyNew) continue;
    include(doc.source, queue);
    linkedFrom(doc.value, queue);
  }
  return saved;
}
function linkedFrom(value, queue) {
  if (!isObject(value)) return;
  const cell3 = isAlias(value) ? value.$alias.cell : isLink(value) ? value.cell : void 0;
  if (cell3 !== void 0) include(documents.get(cell3["/"]), queue);
  else if (isArray(value)) for (const item of value) linkedFrom(item, queue);
  else for (const key of keys(value)) linkedFrom(value[key], queue);
}
function include(doc, queue) {
  if (doc !== void 0 && isNew(doc)) queue.add(doc);
}
function isNew(doc) {
  return doc.loaded && !doc.stored && (doc.dirty || doc.value !== void 0 || doc.source !== void 0);
}

// src/graph/opaque.ts
var Ref = class _Ref {
  constructor(root2, path, schema2) {
    this.root = root2;
    this.path = path;
    this.schema = schema2;
  }
  child(key) {
    return new _Ref(this.root, [...this.path, key], schemaAt(this.schema, key, this.root.schema));
  }
  get(_target, key) {
    if (key === REF) return this;
    if (key === Symbol.iterator) return () => this.elements();
    if (key === Symbol.toPrimitive) return () => this.materialize();
    if (typeof key === "symbol") return void 0;
    const method2 = methods[key];
    return opaqueRef(this.child(key), method2 && ((...args) => method2(this, ...args)));
  }
  set(_target, key, value) {
    assignValue(this, { [key]: value });
    return true;
  }
  /** The value at run time, in a function that captured the ref (runtime spec §2.4, closures). */
  materialize() {
    const frame = topFrame();
    const place = frame?.scope?.placeOf(this.root, this.path);
    if (place === void 0) throw new Error("Can't read value during recipe creation.");
    return view(place, frame?.reads);
  }
  // Destructuring asks for as many as it has names; a loop over all would never end.
  *elements() {
    for (let i = 0; i < mostElements; i++) yield opaqueRef(new _Ref(this.root, [...this.path, i], void 0));
    throw new Error("Can't use iterator over an opaque value in an unlimited loop.");
  }
};
var mostElements = 50;
var methods = Object.assign(/* @__PURE__ */ Object.create(null), {
  get: (ref) => ref.materialize(),
  set: (ref, value) => assignValue(ref, value),
  key: (ref, key) => opaqueRef(ref.child(key)),
  setDefault: (ref, value) => {
    const { root: root2, path } = ref;
    if (valueAt(root2.defaults, path) === void 0) root2.defaults = withValue(root2.defaults, path, value);
  },
  setName: (ref, name) => void (ref.root.name = name),
  setPreExisting: (ref, value) => void (ref.root.existing = value[PLACE]),
  connect: (ref, node) => void ref.root.nodes.add(node),
  export: (ref) => ({ path: ref.path, value: ref.root.value, name: ref.root.name, nodes: ref.root.nodes }),
  toJSON: () => null
});
function opaqueRef(ref, target = {}) {
  return new Proxy(target, ref);
}
function newOpaqueRef(value, schema2) {
  const frame = topFrame();
  if (frame === void 0) throw new Error("Cells can only be made inside a recipe, a lift or a handler.");
  const root2 = new Root(frame, value, schema2);
  frame.roots.push(root2);
  return opaqueRef(new Ref(root2, [], schema2));
}
function refOf(value) {
  return typeof value === "function" || isObject(value) ? value[REF] : void 0;
}
function assignValue(ref, value) {
  if (ref.root.owner === void 0) ref.root.value = withValue(ref.root.value, ref.path, value);
}
function valueAt(value, path) {
  for (const key of path) value = isObject(value) ? value[key] : void 0;
  return value;
}
function withValue(value, path, part) {
  if (path.length === 0) return part;
  const [key, ...rest] = path;
  const whole = isObject(value) ? value : typeof key === "number" ? [] : {};
  whole[key] = withValue(whole[key], rest, part);
  return whole;
}

// src/graph/graph.ts
var Alias = class {
  constructor(depth, ref, place) {
    this.depth = depth;
    this.ref = ref;
    this.place = place;
  }
  /** The path in the process document. The names of an enclosing graph are known only after it was built too. */
  get path() {
    return this.known ??= this.place?.path ?? [...this.ref.root.path, ...this.ref.path];
  }
  target(cell3) {
    const schema2 = this.ref?.schema;
    const { path } = this;
    const out = schema2 === void 0 ? { path } : { path, schema: schema2, rootSchema: this.ref.root.schema };
    if (cell3 !== void 0) out.cell = cell3;
    return out;
  }
};
var Graph = class {
  constructor(argumentSchema, resultSchema) {
    this.argumentSchema = argumentSchema;
    this.resultSchema = resultSchema;
    this.nodes = [];
    this.initial = {};
    /** What setDefault() was told, of the argument and of cells that have a name. */
    this.defaults = {};
    /** The names of its own cells. */
    this.cells = [];
    /** Cells of enclosing graphs that are used in this one. */
    this.captured = [];
  }
  /** The name of a recipe that has no source of its own: a reference of its graph, "ba4jc…". */
  get id() {
    return this.text ??= host.refer(stringify(this.form("")), "string");
  }
  /** What the argument's schema says of parts that are not given. */
  get argumentDefaults() {
    return (this.ofSchema ??= { value: defaultsOf(this.argumentSchema) }).value;
  }
  /** The graph as JSON. For its id `level` counts the graphs around it, as ids in databases do: "", "1", "11". */
  form(level) {
    const json = (value) => treeJSON(value, level);
    return {
      argumentSchema: this.argumentSchema,
      resultSchema: this.resultSchema,
      initial: json(this.initial),
      result: json(this.result),
      nodes: this.nodes.map(({ module, inputs, outputs }) => ({ module: moduleJSON(module, level), inputs: json(inputs), outputs: json(outputs) }))
    };
  }
};
function graphOf(value) {
  return typeof value === "function" ? value[GRAPH] : void 0;
}
function moduleJSON({ plan: _plan, text, type: type2, implementation: code, ...rest }, level) {
  const own2 = level === void 0 && text || (typeof code === "function" ? String(code) : code);
  const implementation = graphOf(code)?.form(level) ?? own2;
  return { type: type2, implementation, ...rest };
}
function treeJSON(value, level) {
  if (value instanceof Alias) return aliasJSON(value, level);
  const graph2 = graphOf(value);
  if (graph2 !== void 0) return graph2.form(level === void 0 ? level : level + 1);
  if (isArray(value)) return value.map((item) => treeJSON(item, level));
  return isObject(value) ? mapObject(value, (field) => treeJSON(field, level)) : value;
}
function aliasJSON(alias, level) {
  if (alias.place !== void 0) return { $alias: alias.target({ "/": alias.place.doc.id }) };
  if (level === void 0) return { $alias: alias.depth > 0 ? { cell: { shadowOf: null }, path: [] } : alias.target() };
  const out = Number(level) - alias.depth;
  return out < 0 ? { shadowOf: null } : { $alias: alias.target(out === 0 ? void 0 : out) };
}
function buildGraph(frame, inputs, outputs, graph2) {
  const { roots, nodes } = collect(frame, inputs, outputs);
  nameRoots(roots, inputs?.root, outputs);
  const convert = (value, emptyNull = true) => {
    const ref = refOf(value);
    if (ref !== void 0) return aliasOf(ref, frame, graph2);
    passOnCaptured(value, frame, graph2);
    if (value === null && emptyNull) return {};
    if (!isObject(value)) return value;
    const place = value[PLACE];
    if (place !== void 0) return new Alias(0, void 0, place);
    return isArray(value) ? value.map((item) => convert(item, emptyNull)) : mapObject(value, (field) => convert(field, emptyNull));
  };
  graph2.result = convert(outputs ?? {});
  for (const { module, inputs: inputs2, outputs: outputs2 } of nodes) {
    passOnCaptured(module.implementation, frame, graph2);
    const node = { module, inputs: convert(inputs2), outputs: convert(outputs2) };
    graph2.nodes.push({ ...node, reads: aliasesIn(node.inputs), writes: aliasesIn(node.outputs) });
  }
  Object.assign(graph2.defaults, convert(inputs?.root.defaults));
  for (const root2 of roots) {
    root2.owner = graph2;
    if (root2 === inputs?.root) continue;
    const name = root2.path[1];
    if (root2.defaults !== void 0 && root2.name !== void 0) {
      (graph2.defaults.internal ??= {})[name] = root2.defaults;
    }
    graph2.cells.push(name);
    if (root2.value) (graph2.initial.internal ??= {})[name] = convert(root2.value, false);
  }
  makeContainers(graph2);
  return graph2;
}
function collect(frame, inputs, outputs) {
  const roots = /* @__PURE__ */ new Set();
  const nodes = /* @__PURE__ */ new Set();
  const add = (root2) => {
    if (root2.frame !== frame || root2.existing !== void 0 || roots.has(root2)) return;
    roots.add(root2);
    for (const node of root2.nodes) {
      if (nodes.has(node) || node.frame !== frame) continue;
      nodes.add(node);
      walkRefs(node.module.implementation, (ref) => add(ref.root));
      walkRefs(node.inputs, (ref) => add(ref.root));
      walkRefs(node.outputs, (ref) => add(ref.root));
    }
  };
  if (inputs !== void 0) add(inputs.root);
  walkRefs(outputs, (ref) => add(ref.root));
  frame.roots.forEach(add);
  return { roots, nodes };
}
function nameRoots(roots, inputs, outputs) {
  if (isObject(outputs) && refOf(outputs) === void 0) {
    for (const key of keys(outputs)) {
      const ref = refOf(outputs[key]);
      if (ref !== void 0 && ref.path.length === 0 && roots.has(ref.root)) ref.root.name ??= key;
    }
  }
  let unnamed = 0;
  for (const root2 of roots) {
    root2.path = root2 === inputs ? ["argument"] : ["internal", root2.name ?? `__#${unnamed++}`];
  }
}
function aliasOf(ref, frame, graph2) {
  const { root: root2 } = ref;
  if (root2.existing !== void 0) return new Alias(0, ref, root2.existing.at(ref.path));
  if (root2.owner !== void 0 && root2.owner !== graph2) {
    const place = topFrame()?.scope?.placeOf(root2, ref.path);
    if (place !== void 0) return new Alias(0, ref, place);
  }
  let depth = 0;
  for (let at = frame; at !== void 0; at = at.parent, depth++) {
    if (at !== root2.frame) continue;
    if (depth > 0) graph2.captured.push(ref);
    return new Alias(depth, ref);
  }
  throw new Error("A cell of another recipe can't be used here.");
}
function passOnCaptured(inner, frame, graph2) {
  for (const ref of graphOf(inner)?.captured ?? []) if (ref.root.frame !== frame) graph2.captured.push(ref);
}
function makeContainers(graph2) {
  const aliases = [graph2.result, ...graph2.nodes.flatMap(({ reads, writes }) => [...reads, ...writes])].flatMap(aliasesIn);
  for (const alias of aliases) {
    const path = alias.depth > 0 || alias.place !== void 0 ? [] : alias.path;
    if (path[0] !== "internal" || path.length < 3) continue;
    let container = graph2.initial;
    for (let i = 0; i < path.length - 1 && isObject(container) && !(container instanceof Alias); i++) {
      container = container[path[i]] ??= typeof path[i + 1] === "number" ? [] : {};
    }
  }
}
function walkRefs(value, visit) {
  if (!isObject(value) && typeof value !== "function" || value[PLACE] !== void 0) return;
  const ref = refOf(value);
  if (ref !== void 0) visit(ref);
  else if (typeof value === "function") graphOf(value)?.captured.forEach(visit);
  else if (isArray(value)) for (let i = 0; i < value.length; i++) walkRefs(value[i], visit);
  else for (const key of keys(value)) walkRefs(value[key], visit);
}
function aliasesIn(value) {
  if (value instanceof Alias) return [value];
  if (isArray(value)) return value.flatMap(aliasesIn);
  return isObject(value) ? keys(value).flatMap((key) => aliasesIn(value[key])) : [];
}

// src/graph/node.ts
var node_exports = {};
__export(node_exports, {
  byRef: () => byRef,
  cell: () => cell,
  compute: () => compute,
  createNodeFactory: () => createNodeFactory,
  derive: () => derive,
  fetchData: () => fetchData,
  handler: () => handler,
  ifElse: () => ifElse,
  lift: () => lift,
  llm: () => llm,
  navigateTo: () => navigateTo,
  nodeFactory: () => nodeFactory,
  render: () => render,
  str: () => str,
  stream: () => stream,
  streamData: () => streamData
});

// src/lib/zod.ts
function closed(value, prefix) {
  return new Proxy(value, {
    get: (target, key, receiver) => {
      if (typeof key === "symbol" || key in target || ignored.has(key)) return Reflect.get(target, key, receiver);
      throw new Error(`${prefix}.${key} of zod is not available here`);
    }
  });
}
var ignored = /* @__PURE__ */ new Set(["then", "toJSON", "default", "__esModule"]);
var LATER = /* @__PURE__ */ Symbol("later");
var ZodType = class {
  constructor(schema2, traits) {
    this.schema = schema2;
    this.traits = traits;
  }
  with(more, traits = {}) {
    return type({ ...this.schema, ...more }, { ...this.traits, ...traits });
  }
  get shape() {
    return this.traits.shape;
  }
  get element() {
    return this.traits.inner;
  }
  get description() {
    return this.schema.description;
  }
  get options() {
    return this.schema.enum;
  }
  get enum() {
    return Object.fromEntries(this.schema.enum.map((name) => [name, name]));
  }
  get Values() {
    return this.enum;
  }
  unwrap() {
    return this.traits.inner;
  }
  describe(description) {
    return this.with({ description });
  }
  optional() {
    return this.with({}, { optional: true, wrapped: true, inner: this });
  }
  default(value) {
    return this.with({ default: typeof value === "function" ? value() : value }, { optional: true, wrapped: false, inner: this });
  }
  catch(_value) {
    return this.with({}, { optional: true, wrapped: false });
  }
  array() {
    return array(this);
  }
  or(other) {
    return union([this, other], this.schema);
  }
  and(other) {
    return intersection(this, other, this.schema);
  }
  pipe(other) {
    return type({ allOf: [placed(this), placed(other)] }, { optional: this.traits.optional });
  }
  nullish() {
    return this.nullable().optional();
  }
  nullable() {
    const { type: kind, description, ...rest } = this.schema;
    const isPlain = plain.has(kind) && keys(rest).length === 0 && !this.traits.wrapped;
    const either = isPlain ? { type: [kind, "null"] } : { anyOf: [placed(this), { type: "null" }] };
    return type(described(either, { description }), { optional: this.traits.optional, inner: this });
  }
  int() {
    return this.with({ type: "integer" });
  }
  min(least) {
    return this.with({ [bounds[this.schema.type][0]]: least });
  }
  max(most) {
    return this.with({ [bounds[this.schema.type][1]]: most });
  }
  length(exact) {
    return this.min(exact).max(exact);
  }
  nonempty() {
    return this.min(1);
  }
  gt(than) {
    return this.with({ exclusiveMinimum: than });
  }
  lt(than) {
    return this.with({ exclusiveMaximum: than });
  }
  positive() {
    return this.gt(0);
  }
  negative() {
    return this.lt(0);
  }
  nonnegative() {
    return this.min(0);
  }
  nonpositive() {
    return this.max(0);
  }
  safe() {
    return this.min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
  }
  multipleOf(multipleOf) {
    return this.with({ multipleOf });
  }
  regex({ source }) {
    return this.with({ pattern: source });
  }
  startsWith(text) {
    return this.with({ pattern: "^" + literally(text) });
  }
  endsWith(text) {
    return this.with({ pattern: literally(text) + "$" });
  }
  includes(text) {
    return this.with({ pattern: literally(text) });
  }
  exclude(names) {
    return enumeration(this.schema.enum.filter((name) => !names.includes(name)));
  }
  extract(names) {
    return enumeration(names);
  }
  shaped(shape, more = {}) {
    const { description, additionalProperties } = this.schema;
    return object(shape, { description }, { additionalProperties, ...more });
  }
  extend(more) {
    return this.shaped({ ...this.shape, ...more });
  }
  merge({ shape, schema: schema2 }) {
    return this.shaped({ ...this.shape, ...shape }, { additionalProperties: schema2.additionalProperties });
  }
  setKey(key, field) {
    return this.extend({ [key]: field });
  }
  pick(mask) {
    return this.shaped(chosen2(this.shape, (key) => mask[key]));
  }
  omit(mask) {
    return this.shaped(chosen2(this.shape, (key) => !mask[key]));
  }
  partial(mask) {
    return this.shaped(changed2(this.shape, mask, (field) => field.optional()));
  }
  required(mask) {
    return this.shaped(changed2(this.shape, mask, (field) => field.traits.wrapped ? field.unwrap() : field));
  }
  strict() {
    return this.with({ additionalProperties: false });
  }
  passthrough() {
    return this.with({ additionalProperties: true });
  }
  catchall(field) {
    return this.with({ additionalProperties: placed(field) });
  }
  keyof() {
    return enumeration(keys(this.shape));
  }
  rest(field) {
    return this.with({ maxItems: void 0, additionalItems: placed(field) });
  }
};
var same = "refine superRefine transform brand readonly trim toLowerCase toUpperCase finite";
var others = { gte: "min", lte: "max", step: "multipleOf", strip: "strict" };
var formats = {
  email: "email",
  url: "uri",
  uuid: "uuid",
  datetime: "date-time",
  date: "date",
  time: "time",
  duration: "duration"
};
var methods2 = ZodType.prototype;
for (const name of same.split(" ")) methods2[name] = function() {
  return this;
};
for (const name of keys(others)) methods2[name] = methods2[others[name]];
for (const name of keys(formats)) methods2[name] = function() {
  return this.with({ format: formats[name] });
};
var plain = /* @__PURE__ */ new Set(["string", "number", "boolean", "null"]);
var bounds = {
  string: ["minLength", "maxLength"],
  array: ["minItems", "maxItems"],
  number: ["minimum", "maximum"],
  integer: ["minimum", "maximum"]
};
function type(schema2, traits = {}) {
  return closed(new ZodType(schema2, traits), "the method ");
}
function described(schema2, { description } = {}) {
  return description === void 0 ? schema2 : { ...schema2, description };
}
var literally = (text) => text.replace(/[^A-Za-z0-9]/g, "\\$&");
var chosen2 = (shape, isIn) => Object.fromEntries(Object.entries(shape).filter(([key]) => isIn(key)));
var changed2 = (shape, mask, change) => Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, mask === void 0 || mask[key] ? change(field) : field]));
function placed({ schema: schema2, traits }) {
  return traits.wrapped ? described({ anyOf: [{ not: {} }, schema2] }, schema2) : schema2;
}
function object(shape, about, more = { additionalProperties: false }) {
  const formed = chosen2(shape, (key) => !shape[key].traits.formless);
  const required = keys(formed).filter((key) => !shape[key].traits.optional);
  const properties = mapObject(formed, (field) => field.schema);
  return type(described({ type: "object", properties, ...required.length > 0 ? { required } : {}, ...more }, about), { shape });
}
var anything2 = {};
var array = (inner, about) => type(described(inner.schema === anything2 ? { type: "array" } : { type: "array", items: placed(inner) }, about), { inner });
var enumeration = (values, about) => type(described({ type: "string", enum: [...values] }, about));
var ofType = (name, more = {}, traits) => (about) => type(described({ type: name, ...more }, about), traits);
function literal(value) {
  if (isObject(value)) return type({ type: "object" });
  return type(value === null ? { type: "null" } : { type: typeof value, const: value });
}
function union(options, about) {
  const schemas = options.map(placed);
  const traits = { optional: options.some((option) => option.traits.optional) };
  const each = (...names) => schemas.every(({ description: _about, ...schema2 }) => keys(schema2).join() === names.join());
  const types = [...new Set(schemas.map((schema2) => schema2.type))];
  const kind = types.length > 1 ? types : types[0];
  const either = each("type") && types.every((name) => plain.has(name)) ? { type: kind } : schemas.every(({ type: type2, description, ...schema2 }) => description === void 0 && (type2 === "null" || keys(schema2).join() === "const")) ? { type: kind, enum: schemas.map((schema2) => schema2.type === "null" ? null : schema2.const) } : each("type", "enum") ? { type: kind, enum: [...new Set(schemas.flatMap((schema2) => schema2.enum))] } : { anyOf: schemas };
  return type(described(either, about), traits);
}
function intersection(a, b, about) {
  const parts = [a, b].map(placed).flatMap((schema2) => schema2.allOf ?? schema2).map((schema2) => {
    const { additionalProperties, ...rest } = schema2;
    return additionalProperties === false ? rest : schema2;
  });
  return type(described({ allOf: parts }, about), { optional: a.traits.optional && b.traits.optional });
}
function record(...types) {
  const { type: _type, ...names } = types.length > 1 ? types[0].schema : {};
  return type({ type: "object", additionalProperties: placed(types.at(-1)), ...keys(names).length > 0 ? { propertyNames: names } : {} });
}
function tuple(items) {
  return type({ type: "array", minItems: items.length, maxItems: items.length, items: items.map(placed) });
}
function nativeEnum(values) {
  const listed = keys(values).filter((key) => typeof values[values[key]] !== "number").map((key) => values[key]);
  const types = new Set(listed.map((value) => typeof value));
  return type({ type: types.size > 1 ? ["string", "number"] : [...types][0], enum: listed });
}
var date = ofType("string", { format: "date-time" });
var nothing2 = (traits) => () => type({ not: {} }, traits);
var anyOther = () => type({});
var functions = {
  object,
  array,
  literal,
  union,
  record,
  tuple,
  nativeEnum,
  intersection,
  date,
  ZodType,
  strictObject: object,
  string: ofType("string"),
  number: ofType("number"),
  boolean: ofType("boolean"),
  null: ofType("null"),
  bigint: ofType("integer", { format: "int64" }),
  coerce: {
    string: ofType("string", {}, { optional: true }),
    number: ofType("number"),
    boolean: ofType("boolean", {}, { optional: true }),
    date
  },
  any: () => type(anything2, { optional: true }),
  unknown: () => type({}, { optional: true }),
  custom: anyOther,
  instanceof: anyOther,
  never: nothing2(),
  nan: nothing2(),
  undefined: nothing2({ optional: true }),
  void: nothing2({ formless: true }),
  function: nothing2({ formless: true }),
  enum: enumeration,
  optional: (inner) => inner.optional(),
  nullable: (inner) => inner.nullable(),
  preprocess: (_change, inner) => inner,
  lazy: (later) => type({ [LATER]: later }),
  discriminatedUnion: (_key, options) => type({ anyOf: options.map(placed) }),
  set: (inner) => type({ type: "array", uniqueItems: true, items: placed(inner) }),
  map: (key, value) => type({ type: "array", maxItems: 125, items: tuple([key, value]).schema })
};
var z = closed(functions, "z");
z.z = z;
function written(schema2, path, open) {
  if (!isObject(schema2)) return schema2;
  if (open.has(schema2)) return { $ref: open.get(schema2) };
  if (isArray(schema2)) return schema2.map((part, i) => written(part, `${path}/${i}`, open));
  open.set(schema2, path);
  const later = schema2[LATER];
  const out = later === void 0 ? {} : written(later().schema, path, open);
  for (const key of keys(schema2)) out[key] = written(schema2[key], `${path}/${key}`, open);
  open.delete(schema2);
  return out;
}
function schemaOf(schema2) {
  if (!(schema2 instanceof ZodType)) return schema2;
  return { ...written(placed(schema2), "#", /* @__PURE__ */ new Map()), $schema: "http://json-schema.org/draft-07/schema#" };
}
function zodToJsonSchema(schema2) {
  if (schema2 instanceof ZodType) return schemaOf(schema2);
  throw new TypeError("zodToJsonSchema takes a schema of zod");
}

// src/graph/node.ts
function addNode(module, inputs, outputs) {
  const frame = topFrame();
  if (frame === void 0) throw new Error("Lifts, handlers and recipes can only be called inside a recipe.");
  const node = { module, inputs, outputs, frame };
  for (const part of [inputs, outputs]) walkRefs(part, (ref) => ref.root.nodes.add(node));
}
function nodeFactory(module) {
  return (inputs) => {
    const outputs = newOpaqueRef();
    addNode(module, inputs, outputs);
    return outputs;
  };
}
function createNodeFactory(module) {
  return Object.assign(nodeFactory(module), module);
}
function byRef(name) {
  return createNodeFactory({ type: "ref", implementation: name });
}
function codeModule(implementation, argumentSchema, resultSchema) {
  const schemas = argumentSchema && { argumentSchema, resultSchema, plan: planOf(argumentSchema) };
  return { type: "javascript", implementation, ...schemas };
}
function lift(first, resultSchema, fn) {
  return createNodeFactory(fn === void 0 ? codeModule(first) : codeModule(fn, schemaOf(first), schemaOf(resultSchema)));
}
function derive(...args) {
  return args.length > 2 ? lift(args[0], args[1], args[3])(args[2]) : lift(args[1])(args[0]);
}
function compute(fn) {
  return lift(fn)(void 0);
}
function render(fn) {
  const handled2 = (value) => {
    if (typeof value === "function" && graphOf(value) === void 0) return handler(value)({});
    if (isArray(value)) return value.map(handled2);
    if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(keys(value).map((key) => [key, handled2(value[key])]));
  };
  return compute(() => handled2(fn()));
}
function handler(first, stateSchema, fn) {
  const module = fn === void 0 || !first && !stateSchema ? codeModule(fn ?? first) : codeModule(fn, { type: "object", properties: { $event: schemaOf(first ?? {}), ...schemaOf(stateSchema)?.properties } });
  module.wrapper = "handler";
  const factory = (props = {}) => {
    const events2 = stream();
    addNode(module, { ...props, $event: events2 }, {});
    return events2;
  };
  return Object.assign(factory, module, { with: factory, bind: factory });
}
function cell(value, schema2) {
  return newOpaqueRef(value, schema2);
}
function stream() {
  return newOpaqueRef({ $stream: true });
}
var conditional = byRef("ifElse");
var ifElse = (...branches) => conditional(branches);
var fetchData = byRef("fetchData");
var streamData = byRef("streamData");
var llm = byRef("llm");
var navigateTo = byRef("navigateTo");
var interpolate = createNodeFactory({
  type: "javascript",
  implementation: ({ strings, values }) => {
    let text = strings[0];
    for (let i = 0; i < values.length; i++) text += String(values[i]) + strings[i + 1];
    return text;
  },
  text: '({ strings, values })=>strings.reduce((result, str, i)=>result + str + (i < values.length ? values[i] : ""), "")',
  plan: planOf({
    type: "object",
    properties: { strings: { type: "array", items: { type: "string" } }, values: { type: "array" } }
  })
});
function str(strings, ...values) {
  return interpolate({ strings: [...strings], values });
}

// src/graph/recipe.ts
function recipe(about, second, third) {
  const fn = third ?? second;
  const resultSchema = third === void 0 ? void 0 : schemaOf(second);
  const frame = pushFrame();
  try {
    const schema2 = typeof about === "string" ? void 0 : schemaOf(about);
    const inputs = newOpaqueRef(void 0, schema2 === about ? schema2 : void 0);
    const graph2 = new Graph(schema2, resultSchema ?? {});
    buildGraph(frame, refOf(inputs), fn(inputs), graph2);
    graph2.argumentSchema ??= { ...inferSchema(graph2.defaults, true), description: about };
    return asRecipe(graph2);
  } finally {
    popFrame(frame);
  }
}
function recipeFromFrame(description, resultSchema, fn) {
  const inputs = newOpaqueRef();
  const graph2 = new Graph({ type: "object", properties: {}, description }, resultSchema ?? {});
  return asRecipe(buildGraph(topFrame(), refOf(inputs), fn(inputs), graph2));
}
function asRecipe(graph2) {
  const module = { type: "recipe", implementation: void 0 };
  const { argumentSchema, resultSchema, initial, result, nodes } = graph2;
  const recipe2 = Object.assign(nodeFactory(module), { argumentSchema, resultSchema, initial, result, nodes });
  Object.defineProperties(recipe2, { toJSON: { value: () => graph2.form() }, [GRAPH]: { value: graph2 } });
  return module.implementation = recipe2;
}
var mapping = byRef("map");
methods.map = (ref, fn) => mapping({
  list: opaqueRef(ref),
  op: recipe("mapping function", ({ element, index: index2, array: array2 }) => fn(element, index2, array2))
});
function inferSchema(example, withDefaults = false) {
  const schema2 = {};
  if (isArray(example)) {
    schema2.type = "array";
    const fields = Object.assign({}, ...example.filter(isObject).reverse());
    if (example.length > 0) schema2.items = inferSchema(fields, withDefaults);
  } else if (isObject(example)) {
    schema2.type = "object";
    schema2.properties = mapObject(example, (field) => inferSchema(field, withDefaults));
    return schema2;
  } else if (example === null) schema2.type = "null";
  else if (typeof example === "number") schema2.type = Number.isInteger(example) ? "integer" : "number";
  else if (typeof example === "string" || typeof example === "boolean") schema2.type = typeof example;
  if (withDefaults && example !== void 0) schema2.default = example;
  return schema2;
}

// src/graph/spell.ts
var schema = (value) => value;
var markAsStatic = (value) => ({ $static: value });
var isStatic = (value) => isObject(value) && "$static" in value;
var isModule = (value) => typeof value === "function" && "implementation" in value;
function deepEqual(a, b) {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || isArray(a) !== isArray(b)) return false;
  const names = keys(a);
  return names.length === keys(b).length && names.every((name) => name in b && deepEqual(a[name], b[name]));
}
var READ = /* @__PURE__ */ Symbol("read");
function pathOf(read2) {
  return new Proxy(() => {
  }, {
    get: (_, key) => typeof key === "string" ? pathOf((self) => read2(self)[key]) : key === READ ? read2 : void 0,
    apply: (_, _this, args) => pathOf((self) => read2(self)(...args))
  });
}
var $ = pathOf((self) => self);
var select = (query) => (self) => mapObject(query, (value) => {
  const read2 = typeof value === "function" ? value[READ] : void 0;
  return read2 === void 0 ? value : read2(self);
});
var event = (name) => select({ $event: name });
var Spell = class {
  constructor() {
    this.listeners = [];
    this.rules = [];
    this.streams = {};
  }
  update(self, values) {
    Object.assign(self, values);
  }
  addEventListener(name, update) {
    this.listeners.push({ name, update });
  }
  addRule(condition, update) {
    this.rules.push({ condition, update });
  }
  /** The stream of an event, for use in render(). */
  dispatch(name) {
    return this.streams[name];
  }
  compile(title = "Spell") {
    return recipe(title, (self) => {
      const state = {};
      for (const [name, value] of Object.entries(this.init() ?? {})) {
        self[name].setDefault(value);
        state[name] = self[name];
      }
      for (const { name, update } of this.listeners) {
        derive({ self, $event: this.streams[name] ??= stream() }, ({ self: self2, $event }) => update(self2, $event));
      }
      for (const { condition, update } of this.rules) derive({ ...this.inputs(condition(self), self), self }, update);
      return { $UI: this.render(self), ...this.streams, ...state };
    });
  }
  inputs(condition, self) {
    if (isArray(condition)) return Object.fromEntries(condition.map((name) => [name, self[name]]));
    if (!isObject(condition)) return {};
    return "$event" in condition ? { ...condition, $event: this.streams[condition.$event] } : condition;
  }
};

// src/html.ts
var html_exports = {};
__export(html_exports, {
  Fragment: () => Fragment,
  debug: () => nothing3,
  h: () => h,
  render: () => render2,
  setDebug: () => nothing3,
  setEventSanitizer: () => nothing3,
  setNodeSanitizer: () => nothing3
});
var Fragment = "Fragment";
function h(name, props, ...children) {
  if (typeof name === "function") return name({ ...props, children: children.flat() });
  return { type: "vnode", name, props: props ?? {}, children: children.flat() };
}
function render2() {
  throw new Error("There is no page to render to in the background.");
}
var nothing3 = () => {
};

// src/lib/formats.ts
var formats_exports = {};
__export(formats_exports, {
  decodeBase64: () => decodeBase64,
  decodeHeader: () => decodeHeader,
  decodeText: () => decodeText,
  readCalendar: () => readCalendar,
  readMultipart: () => readMultipart
});

// src/web/text.ts
function bytesOf(data) {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
var TextEncoder = class {
  constructor() {
    this.encoding = "utf-8";
  }
  encode(text = "") {
    return host.encode(String(text));
  }
};
var TextDecoder = class {
  constructor(label = "utf-8", options = {}) {
    this.encoding = String(label).trim().toLowerCase();
    this.fatal = options.fatal === true;
    host.utf8(new Uint8Array(0), this.encoding, 0);
  }
  /** Bytes are decoded as a whole: bodies come in one piece here, so there is no streaming. */
  decode(data) {
    return data === void 0 ? "" : host.utf8(bytesOf(data), this.encoding, this.fatal ? 1 : 0);
  }
};
var atob = (text) => host.atob(String(text));
var btoa = (text) => host.btoa(String(text));

// src/lib/formats.ts
function decodeText(data, contentType = "") {
  return host.text(bytesOf(data), contentType ?? "");
}
function decodeBase64(text) {
  return host.unbase64(text);
}
function decodeHeader(text) {
  return host.header(text);
}
function readMultipart(data, contentType) {
  return parse(host.multipart(bytesOf(data), contentType ?? ""));
}
function readCalendar(text, from, to, zone = "") {
  return parse(host.calendar(text, stringify({ from, to, zone })));
}

// src/lib/merkle.ts
var merkle_exports = {};
__export(merkle_exports, {
  fromJSON: () => fromJSON,
  fromString: () => fromString,
  is: () => is2,
  refer: () => refer
});
var alphabet = "abcdefghijklmnopqrstuvwxyz234567";
var Reference = class {
  constructor(text, link) {
    this.text = text;
    this.link = link;
  }
  get "/"() {
    return this.link;
  }
  toString() {
    return this.text;
  }
  toJSON() {
    return { "/": this.link };
  }
};
function refer(value) {
  const json = stringify(value ?? null);
  return new Reference(host.refer(json, "string"), host.refer(json, "link"));
}
function is2(value) {
  return value instanceof Reference;
}
function fromString(text) {
  return new Reference(text, "b" + encode([1, ...decode(text.slice(1))]));
}
function fromJSON(json) {
  if (!isObject(json) || typeof json["/"] !== "string") throw new ReferenceError(`Invalid reference ${stringify(json)}`);
  return new Reference("b" + encode(decode(json["/"].slice(1)).slice(1)), json["/"]);
}
function encode(bytes) {
  let text = "", bits = 0, held = 0;
  for (const byte of bytes) {
    held = held << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[held >> bits - 5 & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[held << 5 - bits & 31] : text;
}
function decode(text) {
  const bytes = [];
  let bits = 0, held = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) throw new ReferenceError(`Invalid reference ${text}`);
    held = held << 5 | value;
    if ((bits += 5) >= 8) bytes.push(held >> (bits -= 8) & 255);
    held &= (1 << bits) - 1;
  }
  return bytes;
}

// src/lib/turndown.ts
var marked = /\u0001([^\u0001-\u0003]*)\u0002([^\u0001-\u0003]*)\u0003/;
var TurndownService = class {
  constructor(options = {}) {
    this.options = options;
    this.rules = [];
  }
  /** The rule that was added last goes first. */
  addRule(_name, rule) {
    if (typeof rule.filter !== "string" && !isArray(rule.filter)) {
      throw new Error("The filter of a rule for turndown must be the name of an element, or a list of names, here");
    }
    this.rules.unshift(rule);
    return this;
  }
  remove(filter) {
    return this.addRule("", { filter, replacement: () => "" });
  }
  use(plugins) {
    for (const plugin of [plugins].flat()) plugin(this);
    return this;
  }
  turndown(html) {
    const filters = this.rules.map(({ filter }) => [filter].flat().map((name) => name.toLowerCase()));
    const text = typeof html === "string" ? html : html.outerHTML;
    let out = host.markdown(text, stringify({ ...this.options, filters }));
    for (let match = marked.exec(out); match !== null; match = marked.exec(out)) {
      const [all2, about, content] = match;
      const { rule, name, attributes } = parse(about);
      const node = { nodeName: name, textContent: content, getAttribute: (key) => attributes[key] ?? null };
      out = out.slice(0, match.index) + this.rules[rule].replacement(content, node, this.options) + out.slice(match.index + all2.length);
    }
    return this.rules.length === 0 ? out : out.replace(/\n{3,}/g, "\n\n").trim();
  }
};

// src/web/operation.ts
var last = 0;
var waiting = /* @__PURE__ */ new Map();
function begin(ended) {
  meetOutside();
  waiting.set(++last, ended);
  return last;
}
var forget = (op) => waiting.delete(op);
function settle2(op, head, body = new Uint8Array(0)) {
  waiting.get(op)?.(head, body);
}

// src/web/timers.ts
var starter = (repeat) => (callback, ms, ...args) => {
  const op = begin(() => {
    if (repeat === 0) forget(op);
    callback(...args);
  });
  const delay = Number(ms);
  host.timer(op, delay > 0 ? delay : 0, repeat);
  return op;
};
var setTimeout = starter(0);
var setInterval = starter(1);
function clearTimeout(op) {
  if (typeof op === "number" && forget(op)) host.cancel(op);
}
function queueMicrotask(callback) {
  void Promise.resolve().then(callback);
}
function sleep(ms) {
  return new Promise((resolve2) => setTimeout(() => resolve2(), ms));
}

// src/module.ts
var { byRef: byRef2, cell: cell2, compute: compute2, createNodeFactory: createNodeFactory2, derive: derive2, fetchData: fetchData2, handler: handler2, ifElse: ifElse2, lift: lift2, llm: llm2, navigateTo: navigateTo2 } = node_exports;
var { render: render3, str: str2, stream: stream2, streamData: streamData2 } = node_exports;
var builder = {
  ID,
  ID_FIELD,
  NAME: "$NAME",
  TYPE: "$TYPE",
  UI: "$UI",
  byRef: byRef2,
  cell: cell2,
  compute: compute2,
  createNodeFactory: createNodeFactory2,
  derive: derive2,
  fetchData: fetchData2,
  handler: handler2,
  ifElse: ifElse2,
  lift: lift2,
  llm: llm2,
  navigateTo: navigateTo2,
  recipe,
  recipeFromFrame,
  render: render3,
  str: str2,
  stream: stream2,
  streamData: streamData2,
  getRecipeEnvironment,
  $,
  select,
  event,
  Spell,
  schema,
  markAsStatic,
  deepEqual,
  isStatic,
  isModule,
  isAlias,
  isStreamAlias: isStream,
  isOpaqueRef: (value) => refOf(value) !== void 0,
  isRecipe: (value) => graphOf(value) !== void 0,
  createJsonSchema: inferSchema,
  getValueAtPath: valueAt,
  setValueAtPath: withValue,
  getTopFrame: topFrame,
  popFrame,
  pushFrame,
  pushFrameFromCause: (cause) => pushFrame(void 0, void 0, () => cause),
  toOpaqueRef: /* @__PURE__ */ Symbol("toOpaqueRef"),
  unsafe_materializeFactory: /* @__PURE__ */ Symbol("unsafe_materializeFactory"),
  unsafe_originalRecipe: /* @__PURE__ */ Symbol("unsafe_originalRecipe"),
  unsafe_parentRecipe: /* @__PURE__ */ Symbol("unsafe_parentRecipe")
};
var is3 = (kind) => (value) => value instanceof kind;
var Classification = {
  Unclassified: "unclassified",
  Confidential: "confidential",
  Secret: "secret",
  TopSecret: "topsecret"
};
var modules = /* @__PURE__ */ new Map([
  ["@commontools/builder", builder],
  ["@commontools/html", html_exports],
  ["@commontools/llm", {}],
  // types only, as nearly all of the next
  ["@commontools/runner", { isCell: is3(Cell), isStream: is3(Stream), Classification }],
  ["@commontools/utils/sleep", { sleep }],
  ["charmd/formats", formats_exports],
  ["commontools", { ...builder, h, Fragment, Classification }],
  ["merkle-reference", merkle_exports],
  ["turndown", TurndownService],
  ["zod", z],
  ["zod-to-json-schema", { zodToJsonSchema, default: zodToJsonSchema }]
]);
function require2(name) {
  const module = modules.get(name);
  if (module === void 0) throw new Error(`Module not found: ${name}`);
  return module;
}

// src/run/report.ts
var deepest2 = 64;
function isUpdatable(result) {
  const { handlers = [] } = resolve(result.child("bgUpdater"));
  return isStream(found) && handlers.length > 0;
}
function nameOf(result) {
  resolve(result.child("$NAME"));
  return found === void 0 || found === null || isObject(found) ? null : String(found);
}
function integrationOf(result) {
  return session.fresh ? findIntegration(view(result.child("$UI")), 0) ?? null : null;
}
function findIntegration(node, depth) {
  if (!isObject(node) || depth > deepest2) return void 0;
  const { name, props, children } = node;
  if (name === "common-updater" && typeof props?.integration === "string") return props.integration;
  for (const child of isArray(node) ? node : [children]) {
    const integration = findIntegration(child, depth + 1);
    if (integration !== void 0) return integration;
  }
  return void 0;
}
function cellsOf(graph2) {
  const computed = new Set(graph2.nodes.flatMap(({ writes }) => writes.map(({ path }) => path[1])));
  const { internal } = graph2.form().initial;
  return graph2.cells.map((name) => {
    const initial = internal?.[name];
    const kind = isStream(initial) ? "stream" : computed.has(name) ? "computed" : "state";
    return { name, kind, initial: initial === void 0 ? "" : stringify(initial) };
  });
}
function whereIs({ code, label }) {
  const { fileName, lineNumber, columnNumber } = code;
  const name = code.name || label;
  return { name, stack: fileName === void 0 ? "" : `    at ${name} (${fileName}:${lineNumber}:${columnNumber ?? 1})` };
}

// src/run/scope.ts
var Scope = class {
  constructor(graph2, process, result, parent, start) {
    this.graph = graph2;
    this.process = process;
    this.parent = parent;
    this.start = start;
    this.actions = [];
    this.streams = [];
    this.inner = [];
    this.maps = [];
    this.own = [process, result];
    parent?.inner.push(this);
  }
  /** Where a captured cell is stored, if it belongs to this instance or one around it. */
  placeOf(root2, path) {
    for (let scope2 = this; scope2 !== void 0; scope2 = scope2.parent) {
      if (scope2.graph === root2.owner) return scope2.process.root.at(root2.path).at(path);
    }
    return void 0;
  }
  place(alias) {
    if (alias.place !== void 0) return alias.place;
    let scope2 = this;
    for (let i = 0; i < alias.depth; i++) scope2 = scope2.parent;
    return scope2.process.root.at(alias.path);
  }
  /** A part of the graph with its aliases bound to this instance: the form in which it is stored. */
  bind(tree) {
    if (tree instanceof Alias) return { $alias: tree.target({ "/": this.place(tree).doc.id }) };
    if (!isObject(tree)) return tree;
    if (isArray(tree)) return tree.map((part) => this.bind(part));
    return mapObject(tree, (field) => this.bind(field));
  }
  /** What an action that was not run yet is assumed to read: whatever its inputs lead to. */
  readsOf(aliases) {
    const reads = new Reads();
    for (const alias of aliases) reads.add(resolve(this.place(alias)));
    return reads;
  }
  add(action) {
    this.actions.push(action);
  }
  listen(place, handler3) {
    (place.handlers ??= []).push(handler3);
    this.streams.push({ place, handler: handler3 });
  }
  /** Writes what a node put out to where its outputs are bound. */
  output(binding, value) {
    if (binding instanceof Alias) write(this.place(binding), value);
    else if (isObject(binding)) {
      const fields = isObject(value) ? value : {};
      for (const key of keys(binding)) if (key in fields) this.output(binding[key], fields[key]);
    } else if (!is(binding, value)) throw new Error(`Got ${value} instead of ${binding}`);
  }
  /** Runs a graph inside of this one. */
  run(graph2, argument, result) {
    return this.start(graph2, graph2.id, argument, result, this);
  }
  stop() {
    for (const action of this.actions) action.stop();
    for (const { place, handler: handler3 } of this.streams) place.handlers = place.handlers?.filter((other) => other !== handler3);
    for (const scope2 of this.inner) scope2.stop();
    drop(this.maps);
    instances.delete(this.process);
  }
};
var instances = /* @__PURE__ */ new Map();
function ownDocument(source, cause) {
  const doc = documentOf(entityId(source, cause));
  if (session.fresh && !doc.loaded) doc.begin();
  return doc;
}

// src/run/builtin.ts
function react({ module, reads, writes }, scope2, body) {
  const source = { kind: "lift", code: react, label: String(module.implementation) };
  const action = new Action(source, writes.map((alias) => writeTarget(scope2.place(alias))), body);
  action.subscribe(scope2.readsOf(reads));
  scope2.add(action);
  schedule(action);
  return action;
}
function outputDocument(scope2, cause) {
  const doc = ownDocument({}, cause);
  doc.adopt(scope2.process);
  scope2.own.push(doc);
  return doc;
}
function inputValue(tree, scope2, reads) {
  return tree instanceof Alias ? view(scope2.place(tree), reads) : tree;
}
function conditional2(node, scope2) {
  const [condition, then, otherwise] = node.inputs;
  const output = outputDocument(scope2, { ifElse: scope2.bind(node.inputs) });
  scope2.output(node.outputs, linkTo(output.root));
  react(node, scope2, (reads) => {
    const chosen3 = scope2.bind(inputValue(condition, scope2, reads) ? then : otherwise);
    if (stringify(chosen3) !== stringify(output.read())) replace(output.root, chosen3);
  });
}
function mapList(node, scope2) {
  const { list, op } = node.inputs;
  const graph2 = graphOf(op);
  const bound = scope2.bind(list);
  const output = outputDocument(scope2, { map: { "/": scope2.process.id }, op: graph2.id, cause: bound });
  scope2.output(node.outputs, linkTo(output.root));
  if (output.read() === void 0) write(output.root, []);
  const rows = new Rows(output);
  scope2.maps.push(rows);
  let elements = [];
  let place;
  rows.start = (i) => {
    const known = output.read()[i];
    const argument = place === void 0 ? { element: elements[i], index: i, array: elements } : { element: linkTo(place.child(i)), index: i, array: linkTo(place) };
    const row = known === void 0 ? ownDocument({}, { result: linkTo(output.root), index: i }) : placeOf(known).doc;
    const instance = scope2.run(graph2, argument, row);
    instance.process.adopt(scope2.process);
    rows.state[i] = instance;
    rows.moved = true;
    if (known === void 0) append(output.root, [linkTo(row.root)]);
  };
  rows.action = react(node, scope2, (reads) => {
    const value = inputValue(list, scope2, reads) ?? [];
    if (!isArray(value)) throw new Error(`map needs an array, but was given a ${typeof value}`);
    elements = value;
    place = list instanceof Alias ? scope2.place(list) : void 0;
    rows.follow(place && writeTarget(place));
    rows.cut(elements.length);
    const links = output.read();
    for (let i = 0; i < elements.length; i++) {
      if (rows.state[i] !== void 0) continue;
      if (links[i] !== void 0 && graph2.nodes.length === 0) rows.state[i] = null;
      else if (links[i] === void 0 || !rows.sleeps(i)) rows.start(i);
    }
    if (links.length > elements.length) resize(output.root, elements.length);
  });
}

// src/run/code.ts
function instantiateCode(node, scope2) {
  const key = streamKey(node, scope2);
  if (key === void 0) instantiateLift(node, scope2);
  else instantiateHandler(node, scope2, key);
}
function streamKey({ module, inputs }, scope2) {
  if (module.wrapper === "handler") return "$event";
  if (!isObject(inputs) || inputs instanceof Alias) return void 0;
  return keys(inputs).find((key) => {
    const input = inputs[key];
    return input instanceof Alias && isStream(writeTarget(scope2.place(input)).raw());
  });
}
function instantiateHandler({ module, inputs }, scope2, key) {
  const alias = inputs[key];
  const place = resolve(scope2.place(alias));
  const code = module.implementation;
  let known;
  const handle = (event2) => {
    if (event2 === void 0 || event2 === null) {
      throw new TypeError(`Cannot read properties of ${event2} (reading 'preventDefault')`);
    }
    event2.preventDefault?.();
    const bound = known ??= scope2.bind(inputs);
    const given = { ...bound, [key]: storedForm(place, event2) };
    const argument = frozenDocument(given, () => entityId(given, frame.cause));
    const props = argumentAt(argument.root, module, void 0);
    const frame = pushFrame(scope2, void 0, () => ({ ...bound, [key]: host.uuid() }), true);
    return inFrame(
      frame,
      () => module.wrapper === "handler" ? code.call(props, props.$event, props) : code(props),
      (result) => void resultGraph(result, scope2, frame)
    );
  };
  scope2.listen(place, { kind: "handler", code, label: String(place.key), handle });
}
function instantiateLift({ module, inputs, outputs, reads, writes }, scope2) {
  const code = module.implementation;
  const place = inputs instanceof Alias ? scope2.place(inputs) : inputsPlace(scope2.bind(inputs));
  const cause = () => ({ inputs: scope2.bind(inputs), outputs: scope2.bind(outputs), fn: code });
  const label = writes.length > 0 ? String(writes[0].path.at(-1)) : "";
  const targets2 = writes.map((alias) => writeTarget(scope2.place(alias)));
  const action = new Action({ kind: "lift", code, label }, targets2, (reads2) => {
    const argument = argumentAt(place, module, reads2);
    const frame = pushFrame(scope2, reads2, cause);
    return inFrame(frame, () => code(argument), (result) => {
      const graph2 = resultGraph(result, scope2, frame);
      scope2.output(outputs, graph2 === void 0 ? result : linkTo(graph2.root));
    });
  });
  action.subscribe(scope2.readsOf(reads));
  scope2.add(action);
  schedule(action);
}
function inFrame(frame, code, done) {
  let awaited = false;
  try {
    const result = code();
    if (!isThenable(result)) return done(result);
    awaited = true;
    return Promise.resolve(result).then(done).then(() => popFrame(frame), (thrown) => {
      popFrame(frame);
      throw thrown;
    });
  } finally {
    if (!awaited) popFrame(frame);
  }
}
function resultGraph(result, scope2, frame) {
  let found2 = false;
  walkRefs(result, () => found2 = true);
  if (!found2) return void 0;
  const graph2 = graphOf(recipeFromFrame("result of a function", void 0, () => result));
  const doc = ownDocument({}, { resultFor: frame.cause });
  scope2.run(graph2, void 0, doc);
  return doc;
}
function frozenDocument(inputs, id) {
  const doc = temporary(inputs, id);
  doc.frozen = true;
  return doc;
}
function inputsPlace(inputs) {
  return frozenDocument(inputs, () => entityId(isObject(inputs) ? inputs : { value: inputs }, { immutable: inputs })).root;
}
function argumentAt(place, { plan }, reads) {
  return plan === void 0 ? view(place, reads) : read(place, plan, reads);
}

// src/web/abort.ts
var codes = { InvalidCharacterError: 5, AbortError: 20, TimeoutError: 23, DataCloneError: 25 };
var DOMException = class extends Error {
  constructor(message = "", name = "Error") {
    super(message);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
  }
  get code() {
    return codes[this.name] ?? 0;
  }
};
var AbortSignal = class _AbortSignal {
  constructor() {
    this.aborted = false;
    this.reason = void 0;
    this.onabort = null;
    this.listeners = /* @__PURE__ */ new Set();
  }
  addEventListener(_type, listener) {
    this.listeners.add(listener);
  }
  removeEventListener(_type, listener) {
    this.listeners.delete(listener);
  }
  throwIfAborted() {
    if (this.aborted) throw this.reason;
  }
  static abort(reason) {
    const signal = new _AbortSignal();
    signal.end(reason);
    return signal;
  }
  static timeout(ms) {
    const signal = new _AbortSignal();
    setTimeout(() => signal.end(new DOMException("The operation timed out.", "TimeoutError")), ms);
    return signal;
  }
  /** Not of the web: what controllers call. A signal fires once. */
  end(reason = new DOMException("The operation was aborted.", "AbortError")) {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const event2 = { type: "abort", target: this };
    this.onabort?.(event2);
    for (const listener of [...this.listeners]) listener.call(this, event2);
  }
};
var AbortController = class {
  constructor() {
    this.signal = new AbortSignal();
  }
  abort(reason) {
    this.signal.end(reason);
  }
};

// src/web/fetch.ts
var Headers = class extends Pairs {
  constructor(init = null) {
    super();
    this.fields = /* @__PURE__ */ new Map();
    hide(this, "fields");
    for (const [name, value] of pairsOf(init ?? [])) this.append(name, value);
  }
  append(name, value) {
    const known = this.get(name);
    this.set(name, known === null ? value : `${known}, ${value}`);
  }
  set(name, value) {
    const text = String(value).trim();
    if (/[\0\r\n]/.test(text)) throw new TypeError("Invalid header value: it contains a line break");
    this.fields.set(fieldName(name), text);
  }
  get(name) {
    return this.fields.get(fieldName(name)) ?? null;
  }
  has(name) {
    return this.fields.has(fieldName(name));
  }
  delete(name) {
    this.fields.delete(fieldName(name));
  }
  getSetCookie() {
    return this.fields.get("set-cookie")?.split(/, (?=[^;,\s]+=)/) ?? [];
  }
  entries() {
    return [...this.fields].sort(([a], [b]) => a < b ? -1 : 1)[Symbol.iterator]();
  }
};
function fieldName(name) {
  const text = String(name);
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(text)) throw new TypeError(`Invalid header name: ${stringify(text)}`);
  return text.toLowerCase();
}
var Body = class {
  constructor(content, headers) {
    this.content = content;
    this.headers = headers;
    this.bodyUsed = false;
    hide(this, "content");
  }
  async text() {
    return host.utf8(this.take(), "utf-8", 0);
  }
  async json() {
    return parse(await this.text());
  }
  async bytes() {
    return this.take().slice();
  }
  async arrayBuffer() {
    return this.take().slice().buffer;
  }
  unread() {
    if (this.bodyUsed) throw new TypeError("The body has been read already");
    return this.content;
  }
  take() {
    const content = this.unread();
    this.bodyUsed = content !== void 0;
    return content ?? new Uint8Array(0);
  }
};
function bodyBytes(body, headers) {
  if (body === void 0 || body === null) return void 0;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body).slice();
  if (!headers.has("content-type")) {
    const form = body instanceof URLSearchParams;
    headers.set("content-type", form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8");
  }
  return host.encode(String(body));
}
var Request = class _Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof _Request ? input : void 0;
    const headers = new Headers(init.headers ?? from?.headers);
    super(bodyBytes(init.body, headers) ?? from?.unread(), headers);
    this.url = from?.url ?? absolute(String(input));
    const method2 = String(init.method ?? from?.method ?? "GET");
    this.method = /^(get|head|post|put|delete|options|patch)$/i.test(method2) ? method2.toUpperCase() : method2;
    if (this.content !== void 0 && (this.method === "GET" || this.method === "HEAD")) {
      throw new TypeError("Request with GET/HEAD method cannot have body");
    }
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? new AbortSignal();
    const connection = init.connection ?? from?.connection;
    if (connection !== void 0) this.connection = String(connection);
  }
  clone() {
    return new _Request(this);
  }
  start(ended) {
    const { method: method2, url, redirect, connection } = this;
    const op = begin(ended);
    const body = this.content && this.take();
    host.fetch(op, stringify({ method: method2, url, headers: [...this.headers], redirect, connection }), body);
    return op;
  }
};
function absolute(input) {
  return (URL.parse(input) ?? new URL(input, environment().apiUrl)).href;
}
var Response = class _Response extends Body {
  constructor(body, init = {}) {
    const headers = new Headers(init.headers);
    super(bodyBytes(body, headers), headers);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? "";
    this.url = init.url ?? "";
    this.redirected = init.redirected ?? false;
  }
  static json(value, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new _Response(stringify(value), { ...init, headers });
  }
  get ok() {
    return this.status >= 200 && this.status < 300;
  }
  clone() {
    return new _Response(this.unread(), this);
  }
};
function fetch(input, init) {
  return new Promise((resolve2, reject) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const failed2 = new TypeError();
    const onAbort = () => {
      if (forget(op)) host.cancel(op);
      reject(signal.reason);
    };
    const op = request.start((head, body) => {
      forget(op);
      signal.removeEventListener("abort", onAbort);
      const reply = parse(head);
      if (reply.error === void 0) resolve2(new Response(body, reply));
      else reject(Object.assign(failed2, { message: reply.error }, reply.code === void 0 ? {} : { code: reply.code }));
    });
    signal.addEventListener("abort", onAbort);
  });
}

// src/run/request.ts
function asking(name, third, question, anew = false) {
  return (node, scope2) => {
    const bound = scope2.bind(node.inputs);
    const inputs = keys(bound).map((key) => bound[key]);
    const field = (field2) => outputDocument(scope2, { [name]: { [field2]: inputs } }).root;
    const [pending2, result, other, requestHash] = [field("pending"), field("result"), field(third), field("requestHash")];
    const links = { pending: linkTo(pending2), result: linkTo(result), [third]: linkTo(other) };
    scope2.output(node.outputs, anew ? links : { ...links, requestHash: linkTo(requestHash) });
    let current;
    const put2 = (isPending, answer, more) => {
      write(pending2, isPending);
      write(result, answer);
      write(other, more);
    };
    react(node, scope2, (reads) => {
      meetOutside();
      const { about, send } = question(plain2(node.inputs, scope2, reads));
      const hash = host.refer(stringify(about), "string");
      const known = send !== void 0 && !anew && hash === requestHash.raw() && result.raw() !== void 0;
      if (hash === current || known) return;
      current = hash;
      put2(send !== void 0);
      if (send === void 0 && !anew) write(requestHash, void 0);
      const finish = (done, answer, more) => whenAtRest(() => {
        if (hash !== current) return;
        put2(false, answer, more);
        if (done && !anew) write(requestHash, hash);
        else if (!done) current = void 0;
      });
      send?.().then(
        (answer) => finish(true, answer, third === "partial" ? answer : void 0),
        (error2) => {
          host.log("warn", `${name}: ${describeThrown(error2).message}`);
          finish(false, void 0, third === "error" ? {} : void 0);
        }
      );
    });
  };
}
function plain2(tree, scope2, reads) {
  if (tree instanceof Alias) {
    const value = inputValue(tree, scope2, reads);
    return isObject(value) ? parse(stringify(value)) : value;
  }
  if (isArray(tree)) return tree.map((part) => plain2(part, scope2, reads));
  return isObject(tree) ? mapObject(tree, (part) => plain2(part, scope2, reads)) : tree;
}
var fetchData3 = asking("fetchData", "error", ({ url, mode = "json", options = {} }) => ({
  about: { url, mode, options },
  send: url ? async () => {
    const response = await fetch(url, options);
    return mode === "json" ? response.json() : response.text();
  } : void 0
}));
var llm3 = asking("llm", "partial", (inputs) => {
  const { system, prompt, stop, model = "claude-3-5-sonnet", max_tokens = 4096 } = inputs;
  const messages = inputs.messages ?? [];
  const talk = prompt?.length > 0 ? [...messages, prompt] : messages;
  const folds = String(model).startsWith("openai:o1");
  const asked = !folds ? talk : messages.length > 0 ? messages : [[system, prompt].filter(Boolean).join("\n\n")];
  const about = folds ? { messages: asked, model, max_tokens } : { system: system ?? "", messages, prompt: prompt ?? "", stop: stop ?? "", max_tokens, model };
  if (system === void 0 || talk.length === 0) return { about };
  const turns2 = asked.map((content, i) => isObject(content) ? content : { role: i % 2 === 0 ? "user" : "assistant", content });
  const body = stringify({ messages: turns2, ...folds ? {} : { system, prompt, stop }, max_tokens, model, stream: true });
  const url = environment().apiUrl + "/api/ai/llm";
  return { about, send: async () => answerText(await fetch(url, { method: "POST", body })) };
});
async function answerText(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`the language model's service answered ${response.status}: ${text}`);
  if (response.headers.get("content-type") === "application/json") return parse(text).content;
  return text.split("\n").filter((line) => line !== "").map((line) => parse(line)).join("");
}
var streamData3 = asking("streamData", "error", ({ url, options = {} }) => ({
  about: { url, options },
  send: url ? async () => lastEvent(await (await fetch(url, options)).text()) : void 0
}), true);
function lastEvent(text) {
  const events2 = parse(host.events(text));
  let last2;
  for (const event2 of events2) last2 = { ...event2, data: parse(event2.data) };
  return last2;
}

// src/run/run.ts
function run(graph2, recipeId, argument, result, parent) {
  const process = processOf(result);
  instances.get(process)?.stop();
  const scope2 = new Scope(graph2, process, result, parent, run);
  instances.set(process, scope2);
  const stored = process.read();
  const before = isObject(stored) ? stored : void 0;
  const sameRecipe = before?.$TYPE === recipeId;
  const defaults = graph2.argumentDefaults;
  const ofCells = isObject(defaults) ? defaults.internal : void 0;
  const initial = graph2.initial.internal;
  if (before === void 0) {
    const internal = { ...ofCells, ...scope2.bind(initial) };
    write(process.root, { $TYPE: recipeId, resultRef: linkTo(result.root), internal });
  } else {
    if (!sameRecipe) write(process.root.child("$TYPE"), recipeId);
    const kept = isObject(before.internal) ? before.internal : {};
    if (lacks(kept, ofCells) || lacks(kept, initial)) {
      const internal = { ...ofCells, ...scope2.bind(initial) };
      for (const key of keys(internal)) {
        if (kept[key] === void 0) write(process.root.at(["internal", key]), internal[key]);
      }
    }
  }
  if (before?.argument === void 0) {
    const full = merged(boundArgument(argument), defaults);
    if (full) write(process.root.child("argument"), full);
  }
  if (!sameRecipe) replace(result.root, scope2.bind(graph2.result));
  const { nodes } = graph2;
  for (let i = 0; i < nodes.length; i++) if (nodes[i].module.type === "recipe") instantiate(nodes[i], scope2);
  for (let i = 0; i < nodes.length; i++) if (nodes[i].module.type !== "recipe") instantiate(nodes[i], scope2);
  return scope2;
}
function lacks(kept, wanted) {
  return wanted !== void 0 && keys(wanted).some((key) => kept[key] === void 0);
}
function processOf(result) {
  result.read();
  if (result.source === void 0) result.adopt(ownDocument({}, linkTo(result.root)));
  return result.source;
}
function boundArgument(argument) {
  if (!isLink(argument)) return argument;
  resolve(placeOf(argument));
  const { cell: cell3, path } = argument;
  if (!isObject(found) || isArray(found)) return { $alias: { cell: cell3, path } };
  return Object.fromEntries(keys(found).map((key) => [key, { $alias: { cell: cell3, path: [...path, key] } }]));
}
function merged(value, defaults) {
  if (value === void 0) return defaults;
  if (!isMergeable(value) || !isMergeable(defaults)) return value;
  const out = { ...value };
  for (const key of keys(defaults)) out[key] = merged(own(value, key), defaults[key]);
  return out;
}
function isMergeable(value) {
  return isObject(value) && !isArray(value) && !isLink(value) && !isAlias(value) && !("$static" in value);
}
var builtins = {
  fetchData: fetchData3,
  ifElse: conditional2,
  llm: llm3,
  map: mapList,
  navigateTo: () => {
  },
  streamData: streamData3
};
function instantiate(node, scope2) {
  const { module } = node;
  if (module.type === "recipe") return instantiateRecipe(node, scope2);
  if (module.type === "javascript") return instantiateCode(node, scope2);
  const builtin = builtins[module.implementation];
  if (builtin === void 0) throw new Error(`Unknown module ref: ${module.implementation}`);
  builtin(node, scope2);
}
function instantiateRecipe({ module, inputs, outputs }, scope2) {
  const graph2 = graphOf(module.implementation);
  const argument = scope2.bind(inputs);
  const bindings = { inputBindings: argument, outputBindings: scope2.bind(outputs) };
  const result = ownDocument({}, { recipe: graph2.id, parent: { "/": scope2.process.id }, ...bindings });
  scope2.run(graph2, argument, result);
  scope2.output(outputs, linkTo(result.root));
}

// src/web/clone.ts
function structuredClone(value) {
  return clone(value, /* @__PURE__ */ new Map());
}
function clone(value, done) {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new DOMException(`A ${typeof value} can't be cloned`, "DataCloneError");
  }
  if (!isObject(value)) return value;
  if (done.has(value)) return done.get(value);
  const copy = emptyLike(value);
  done.set(value, copy);
  if (value instanceof Map) for (const [key, part] of value) copy.set(clone(key, done), clone(part, done));
  else if (value instanceof Set) for (const part of value) copy.add(clone(part, done));
  else if (!ArrayBuffer.isView(value)) for (const key of keys(value)) copy[key] = clone(value[key], done);
  return copy;
}
function emptyLike(value) {
  if (value instanceof Date) return /* @__PURE__ */ new Date(+value);
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.slice(0);
  if (value instanceof Map) return /* @__PURE__ */ new Map();
  if (value instanceof Set) return /* @__PURE__ */ new Set();
  if (isArray(value)) return new Array(value.length);
  return value instanceof Error ? Object.assign(new Error(value.message), { name: value.name }) : {};
}

// src/web/console.ts
var deepest3 = 4;
var writer = (level) => (...args) => {
  meetOutside();
  host.log(level, args.map((arg) => typeof arg === "string" ? arg : inspect(arg, 0)).join(" "));
};
function inspect(value, depth) {
  if (typeof value === "string") return stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (!isObject(value)) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}
${value.stack ?? ""}`.trimEnd();
  if (value instanceof Date) return isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (typeof value.toJSON === "function") return inspect(value.toJSON(), depth);
  if (depth >= deepest3) return isArray(value) ? "[…]" : "{…}";
  const inner = (part) => inspect(part, depth + 1);
  if (isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (value instanceof Set) return `Set {${[...value].map(inner).join(", ")}}`;
  if (value instanceof Map) return `Map {${[...value].map(([key, part]) => `${inner(key)} => ${inner(part)}`).join(", ")}}`;
  const fields = keys(value).map((key) => `${/^[\w$]+$/.test(key) ? key : stringify(key)}: ${inner(value[key])}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}
var [log, debug, error] = [writer("log"), writer("debug"), writer("error")];
var console = {
  log,
  debug,
  error,
  info: writer("info"),
  warn: writer("warn"),
  dir: log,
  table: log,
  trace: (...args) => debug(...args, "\n" + new Error().stack),
  assert: (holds, ...args) => holds || error("Assertion failed:", ...args),
  group: log,
  groupEnd: () => {
  }
};

// src/web/crypto.ts
var longestRequest = 65536;
var crypto = {
  randomUUID() {
    meetOutside();
    return host.uuid();
  },
  getRandomValues(view2) {
    if (view2.byteLength > longestRequest) {
      throw new RangeError(`getRandomValues gives at most ${longestRequest} bytes, not ${view2.byteLength}`);
    }
    meetOutside();
    new Uint8Array(view2.buffer, view2.byteOffset, view2.byteLength).set(host.entropy(view2.byteLength));
    return view2;
  },
  subtle: {
    async digest(algorithm, data) {
      return host.digest(typeof algorithm === "string" ? algorithm : algorithm.name, bytesOf(data)).slice().buffer;
    }
  }
};

// src/web/date.ts
function now() {
  meetOutside();
  return host.now();
}
function VirtualDate(...args) {
  const target = new.target;
  if (target === void 0) return new NativeDate(now()).toString();
  return Reflect.construct(NativeDate, args.length === 0 ? [now()] : args, target);
}
var method = (value) => ({ value, writable: true, configurable: true });
Object.defineProperties(VirtualDate, {
  prototype: { value: NativeDate.prototype, writable: false },
  length: { value: 7 },
  name: { value: "Date" },
  now: method(() => Math.floor(now())),
  parse: method(NativeDate.parse),
  UTC: method(NativeDate.UTC)
});
Object.defineProperty(NativeDate.prototype, "constructor", method(VirtualDate));
var origin;
var performance = {
  get timeOrigin() {
    return origin ??= now();
  },
  now: () => now() - performance.timeOrigin
};

// src/web/selector.ts
function parseSelector(text) {
  const { selectors, invalid } = parse(host.selector(text));
  if (invalid !== void 0) throw new DOMException(`'${invalid}' is not a selector that is supported`, "SyntaxError");
  return selectors;
}
function matchesAny(selectors, element) {
  return selectors.some((selector) => matches(selector, element, selector.length - 1));
}
function matches(selector, element, last2) {
  const { tests, combinator } = selector[last2];
  if (!tests.every((test) => kinds[test.kind](element, test))) return false;
  if (last2 === 0) return true;
  const step = (at) => combinator === "+" || combinator === "~" ? at.previousElementSibling : at.parentElement;
  for (let at = step(element); at !== null; at = step(at)) {
    if (matches(selector, at, last2 - 1)) return true;
    if (combinator === ">" || combinator === "+") return false;
  }
  return false;
}
var kinds = {
  any: () => true,
  // A plain name is the local name, whatever the prefix; an escaped colon, and ns|name, ask for the qualified one.
  type: (element, { name }) => element.localName === name || element.named(name.replace("|", ":")),
  id: (element, { name }) => element.id === name,
  class: (element, { name }) => element.classList.contains(name),
  attribute: (element, { name, operator, value }) => element.hasAttribute(name) && comparisons[operator](element.getAttribute(name), value),
  not: (element, { inner }) => !matchesAny(inner, element),
  "first-child": (element) => element.previousElementSibling === null,
  "last-child": (element) => element.nextElementSibling === null,
  "nth-child": (element, { value }) => element.parentNode.children.indexOf(element) + 1 === Number(value)
};
var comparisons = {
  "": () => true,
  "=": (value, wanted) => value === wanted,
  "~=": (value, wanted) => value.split(/\s+/).includes(wanted),
  "^=": (value, wanted) => wanted !== "" && value.startsWith(wanted),
  "$=": (value, wanted) => wanted !== "" && value.endsWith(wanted),
  "*=": (value, wanted) => wanted !== "" && value.includes(wanted)
};

// src/web/dom.ts
var Node = class {
  constructor(parentNode) {
    this.parentNode = parentNode;
    this.childNodes = [];
  }
  static {
    this.ELEMENT_NODE = 1;
  }
  static {
    this.TEXT_NODE = 3;
  }
  static {
    this.COMMENT_NODE = 8;
  }
  static {
    this.DOCUMENT_NODE = 9;
  }
  get parentElement() {
    return this.parentNode instanceof Element ? this.parentNode : null;
  }
  get textContent() {
    return this.childNodes.map((node) => node.nodeType === 8 ? "" : node.textContent).join("");
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get lastChild() {
    return this.childNodes.at(-1) ?? null;
  }
  get nextSibling() {
    return sibling(this, this.parentNode?.childNodes, 1);
  }
  get previousSibling() {
    return sibling(this, this.parentNode?.childNodes, -1);
  }
};
function sibling(node, around, step) {
  return around?.[around.indexOf(node) + step] ?? null;
}
var Text = class extends Node {
  constructor(parent, data) {
    super(parent);
    this.data = data;
    this.nodeType = Node.TEXT_NODE;
    this.nodeName = "#text";
  }
  get textContent() {
    return this.data;
  }
};
var Comment = class extends Text {
  constructor() {
    super(...arguments);
    this.nodeType = Node.COMMENT_NODE;
    this.nodeName = "#comment";
  }
};
var ParentNode = class extends Node {
  get children() {
    return this.childNodes.filter((node) => node instanceof Element);
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }
  getElementsByTagName(name) {
    return this.collect((element) => name === "*" || element.named(name));
  }
  getElementsByTagNameNS(_namespace, local) {
    return this.collect((element) => local === "*" || element.localName === local);
  }
  getElementsByClassName(names) {
    return this.querySelectorAll(names.replace(/\s*(\S+)/g, ".$1"));
  }
  querySelectorAll(text) {
    const selectors = parseSelector(text);
    return this.collect((element) => matchesAny(selectors, element));
  }
  querySelector(text) {
    const selectors = parseSelector(text);
    return this.collect((element) => matchesAny(selectors, element), 1)[0] ?? null;
  }
  /** The elements below this one for which `wanted` holds, in document order. */
  collect(wanted, most = Infinity, into = []) {
    for (const child of this.childNodes) {
      if (into.length >= most) break;
      if (!(child instanceof Element)) continue;
      if (wanted(child)) into.push(child);
      if (into.length < most) child.collect(wanted, most, into);
    }
    return into;
  }
};
var Element = class extends ParentNode {
  constructor(parent, [name, attributes, children], html) {
    super(parent);
    this.html = html;
    this.nodeType = Node.ELEMENT_NODE;
    const colon = name.indexOf(":");
    this.nodeName = html ? name.toUpperCase() : name;
    this.localName = name.slice(colon + 1);
    this.prefix = colon < 0 ? null : name.slice(0, colon);
    this.values = new Map(attributes);
    this.childNodes = children.map((tree) => nodeOf(this, tree, html));
  }
  get tagName() {
    return this.nodeName;
  }
  get id() {
    return this.values.get("id") ?? "";
  }
  get className() {
    return this.values.get("class") ?? "";
  }
  get attributes() {
    return [...this.values].map(([name, value]) => ({ name, value }));
  }
  get innerHTML() {
    return this.childNodes.map(serialize).join("");
  }
  get outerHTML() {
    return serialize(this);
  }
  get nextElementSibling() {
    return sibling(this, this.parentNode?.children, 1);
  }
  get previousElementSibling() {
    return sibling(this, this.parentNode?.children, -1);
  }
  get classList() {
    const names = this.className.split(/\s+/);
    return { contains: (name) => names.includes(name) };
  }
  /** Whether this is the qualified name of the element. */
  named(name) {
    return this.nodeName === (this.html ? name.toUpperCase() : name);
  }
  getAttribute(name) {
    return this.values.get(this.html ? name.toLowerCase() : name) ?? null;
  }
  hasAttribute(name) {
    return this.getAttribute(name) !== null;
  }
  matches(text) {
    return matchesAny(parseSelector(text), this);
  }
  closest(text) {
    for (let at = this; at !== null; at = at.parentElement) if (at.matches(text)) return at;
    return null;
  }
};
var Document2 = class extends ParentNode {
  constructor(root2, contentType) {
    super(null);
    this.contentType = contentType;
    this.nodeType = Node.DOCUMENT_NODE;
    this.nodeName = "#document";
    this.childNodes = [nodeOf(this, root2, contentType === "text/html")];
  }
  get documentElement() {
    return this.firstElementChild;
  }
  get head() {
    return this.querySelector("head");
  }
  get body() {
    return this.querySelector("body");
  }
  get title() {
    return this.querySelector("title")?.textContent.trim() ?? "";
  }
  getElementById(id) {
    return this.collect((element) => element.id === id, 1)[0] ?? null;
  }
};
var DOMParser = class {
  parseFromString(text, mime) {
    const tree = parse(host.xml(String(text), mime));
    return new Document2(tree.root ?? ["parsererror", [], [tree.error ?? "The document is empty"]], mime);
  }
};
function nodeOf(parent, tree, html) {
  if (isArray(tree)) return new Element(parent, tree, html);
  return isObject(tree) ? new Comment(parent, tree.c) : new Text(parent, tree);
}
function serialize(node) {
  if (node instanceof Comment) return `<!--${node.data}-->`;
  if (node instanceof Text) return node.data.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  if (!(node instanceof Element)) return "";
  const quoted = (value) => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const attributes = node.attributes.map(({ name: name2, value }) => ` ${name2}="${quoted(value)}"`).join("");
  const name = node.prefix === null ? node.localName : `${node.prefix}:${node.localName}`;
  return `<${name}${attributes}>${node.innerHTML}</${name}>`;
}

// src/web/globals.ts
var globals = {
  AbortController,
  AbortSignal,
  Comment,
  console,
  crypto,
  Date: VirtualDate,
  Document: Document2,
  DOMException,
  DOMParser,
  Element,
  Headers,
  Node,
  Request,
  Response,
  Text,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  atob,
  btoa,
  clearInterval: clearTimeout,
  clearTimeout,
  fetch,
  performance,
  queueMicrotask,
  setInterval,
  setTimeout,
  structuredClone,
  self: globalThis
};
function installGlobals() {
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  }
  const { random } = Math;
  Math.random = () => {
    meetOutside();
    return random();
  };
  const errors = Error;
  errors.captureStackTrace ??= () => {
  };
  errors.stackTraceLimit ??= 10;
}

// src/main.ts
var graph;
var loadError = failed("The recipe's top-level await is never settled.");
var task;
var handled = false;
function failed(message) {
  return { name: "Error", message, stack: "" };
}
function define(code) {
  delete globalThis.__charmd_define;
  const module = { exports: {} };
  code(require2, module.exports, module).then(
    () => {
      graph = graphOf(module.exports.default);
      if (graph === void 0) loadError = failed("No default recipe found in the compiled exports.");
      else nameGraphs(graph);
    },
    (thrown) => loadError = describeThrown(thrown)
  );
}
function nameGraphs(graph2) {
  graph2.argumentDefaults;
  for (const { module, inputs, reads, writes } of graph2.nodes) {
    for (const alias of [...reads, ...writes]) alias.path;
    for (const value of [module.implementation, inputs?.op]) {
      const inner = graphOf(value);
      if (inner?.id !== void 0) nameGraphs(inner);
    }
  }
}
function memoText(memo2) {
  return memo2 === void 0 ? "" : `,"memo":${writeOut(memo2)}`;
}
var root = {
  /** Once the recipe's code has run: its schemas, or what went wrong. */
  loaded() {
    if (graph === void 0) return stringify({ ok: false, error: loadError });
    const { argumentSchema, resultSchema } = graph;
    return stringify({ ok: true, argumentSchema, resultSchema });
  },
  start(json) {
    task = parse(json);
    session.space = task.space;
    recall(task.memo, task.stale);
    session.fresh = task.mode === "cast";
    handled = task.mode !== "event";
    if (task.mode === "cells") return;
    const result = documentOf(task.charm);
    const process = documentOf(task.process);
    if (session.fresh) for (const doc of [result, process]) doc.begin();
    result.adopt(process);
    run(graph, task.recipe, session.fresh ? task.argument ?? {} : void 0, result);
    const place = documentOf(task.document ?? task.charm).root.at(task.stream ?? []);
    if (!handled) whenAtRest(() => handled = sendEvent(place, task.event));
    if (task.mode === "write") whenAtRest(() => new Cell(place, void 0, void 0, void 0).set(task.event));
  },
  settle: settle2,
  finish() {
    if (task.mode === "cells") return stringify({ handled, failures, cells: cellsOf(graph) });
    const result = documentOf(task.charm).root;
    const changed3 = saveChanges([result.doc, documentOf(task.process)]);
    return `{"handled":${handled},"updater":${isUpdatable(result)},"name":${stringify(nameOf(result))},"integration":${stringify(integrationOf(result))},"again":${session.again},"stuck":${running === void 0 ? null : writeOut({ what: running.kind, ...whereIs(running) })},"failures":${failures.length > 0 ? writeOut(failures) : "[]"},"changed":${changed3}${memoText(remembered())}}`;
  }
};
installGlobals();
Object.assign(globalThis, { __charmd: root, __charmd_define: define });
}();
