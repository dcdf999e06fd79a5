(() => {
  var __defProp = Object.defineProperty;
  var __export = (target, all) => {
    for (var name in all)
      __defProp(target, name, { get: all[name], enumerable: true });
  };

  // src/frame.ts
  var Frame = class {
    constructor(parent, scope2, reads, makeCause, once2 = false) {
      this.parent = parent;
      this.scope = scope2;
      this.reads = reads;
      this.makeCause = makeCause;
      this.once = once2;
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
  var top;
  function topFrame() {
    return top;
  }
  function pushFrame(scope2, reads, makeCause, once2) {
    return top = new Frame(top, scope2, reads, makeCause, once2);
  }
  function popFrame(frame = top) {
    for (let at = top; at !== void 0; at = at.parent) {
      if (at === frame) {
        top = at.parent;
        return;
      }
    }
  }

  // src/host.ts
  var scope = globalThis;
  var host = scope.__host;
  delete scope.__host;
  var { parse, stringify } = JSON;
  var { isArray } = Array;
  var { keys, is, hasOwn } = Object;
  var NativeDate = Date;
  function isObject(value) {
    return typeof value === "object" && value !== null;
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

  // src/web/crypto.ts
  var longestRequest = 65536;
  function uuid() {
    const bytes = host.entropy(16);
    bytes[6] = bytes[6] & 15 | 64;
    bytes[8] = bytes[8] & 63 | 128;
    let text = "";
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
      text += (bytes[i] + 256).toString(16).slice(1);
    }
    return text;
  }
  var crypto = {
    randomUUID: uuid,
    getRandomValues(view2) {
      if (view2.byteLength > longestRequest) {
        throw new RangeError(`getRandomValues gives at most ${longestRequest} bytes, not ${view2.byteLength}`);
      }
      new Uint8Array(view2.buffer, view2.byteOffset, view2.byteLength).set(host.entropy(view2.byteLength));
      return view2;
    }
  };

  // src/entity.ts
  function entityId(source, cause) {
    return host.refer(stringify(cleaned(source, cause)), "link");
  }
  function newId() {
    return entityId({}, uuid());
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

  // src/document.ts
  var Place = class _Place {
    constructor(doc, parent, key) {
      this.doc = doc;
      this.parent = parent;
      this.key = key;
    }
    child(key) {
      const name = typeof key === "string" ? key : String(key);
      if (this.kids === void 0) this.kids = /* @__PURE__ */ new Map();
      let kid = this.kids.get(name);
      if (kid === void 0) this.kids.set(name, kid = new _Place(this.doc, this, key));
      return kid;
    }
    at(path2) {
      let place = this;
      for (let i = 0; i < path2.length; i++) place = place.child(path2[i]);
      return place;
    }
    get path() {
      const path2 = [];
      for (let place = this; place.parent !== void 0; place = place.parent) path2.push(place.key);
      return path2.reverse();
    }
    /** The value stored here as it is, links not followed; undefined when the path leads through a non-object. */
    raw() {
      if (this.parent === void 0) return this.doc.read();
      const container = this.parent.raw();
      return isObject(container) ? container[this.key] : void 0;
    }
  };
  var Document = class {
    constructor(id) {
      this.root = new Place(this, void 0, "");
      this.dirty = false;
      this.frozen = false;
      /** Grows whenever an object or array of this document is replaced, so that views know that theirs may be gone. */
      this.shape = 0;
      if (typeof id === "string") this._id = id;
      else this._cause = id;
    }
    /** Ids cost a hash, and most temporary documents are never linked to: so they are made when asked for. */
    get id() {
      if (this._id === void 0) {
        this._id = this._cause();
        documents.set(this._id, this);
      }
      return this._id;
    }
    get loaded() {
      return this._text !== void 0;
    }
    /** True when the document, already loaded, has a stored form. */
    get stored() {
      return this._text !== void 0 && this._text !== "";
    }
    read() {
      if (this._text === void 0) this._load();
      return this.value;
    }
    /** Makes this a new document, without asking the host for a stored one. */
    begin(value, source) {
      this._text = "";
      this.value = value;
      this.source = source;
      return this;
    }
    /** Gives the source document to a document that has none. */
    adopt(source) {
      this.read();
      if (this.source !== void 0) return;
      this.source = source;
      this.dirty = true;
    }
    /** Hands the document to the host unless its text is what is stored already. Answers whether it was handed over. */
    save() {
      const text = stringify({ value: this.value, source: this.source && { "/": this.source.id } });
      if (text === this._text) return false;
      host.put(this.id, this._text = text);
      return true;
    }
    _load() {
      this._text = host.doc(this.id);
      if (this._text === "") return;
      const form = parse(this._text);
      this.value = form.value;
      if (isObject(form.source)) this.source = documentOf(form.source["/"]);
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

  // src/link.ts
  var longestChain = 100;
  function linkTo(place) {
    return { cell: { "/": place.doc.id }, path: place.path };
  }
  function isLink(value) {
    if (!isObject(value)) return false;
    const cell2 = value.cell;
    return isObject(cell2) && typeof cell2["/"] === "string" && isArray(value.path);
  }
  function isAlias(value) {
    return isObject(value) && isObject(value.$alias);
  }
  function placeOf(link) {
    return documentOf(link.cell["/"]).root.at(link.path);
  }
  function sameLink(a, b) {
    if (a.cell["/"] !== b.cell["/"] || a.path.length !== b.path.length) return false;
    for (let i = 0; i < a.path.length; i++) if (a.path[i] !== b.path[i] && String(a.path[i]) !== String(b.path[i])) return false;
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
  function resolve(place, reads, hops = 0) {
    if (place.parent === void 0) found = place.doc.read();
    else {
      const parent = resolve(place.parent, reads, hops);
      if (parent !== place.parent) place = parent.child(place.key);
      found = isObject(found) ? found[place.key] : void 0;
    }
    if (!isObject(found)) return place;
    const next = follow(place.doc, found);
    if (next === void 0) return place;
    if (hops === longestChain) throw cycle(found, place);
    reads?.add(place);
    return resolve(next, reads, hops + 1);
  }
  function anchor(place, reads) {
    if (place.parent === void 0) return place;
    const parent = resolve(place.parent, reads);
    return parent === place.parent ? place : parent.child(place.key);
  }
  function writeTarget(place) {
    for (let hops = 0; hops <= longestChain; hops++) {
      place = anchor(place);
      const raw = place.raw();
      if (!isAlias(raw)) return place;
      place = aliasTarget(place.doc, raw.$alias);
    }
    throw cycle(place.raw(), place);
  }
  function cycle(value, place) {
    return new Error(`${isAlias(value) ? "Alias" : "Reference"} cycle detected at ${place.doc.id}/${place.path.join("/")}`);
  }

  // src/failure.ts
  function describeThrown(thrown) {
    if (thrown instanceof Error || isObject(thrown) && typeof thrown.message === "string") {
      const { name, message, stack } = thrown;
      return { name: String(name ?? ""), message: String(message ?? ""), stack: typeof stack === "string" ? stack : "" };
    }
    return { name: "", message: textOf(thrown), stack: "" };
  }
  function textOf(thrown) {
    if (!isObject(thrown)) return String(thrown);
    try {
      return stringify(thrown) ?? String(thrown);
    } catch {
      return "an object that has no JSON form";
    }
  }

  // src/scheduler.ts
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
  var mostRunsBetweenRests = 100;
  var nothing = new Reads();
  var Action = class {
    constructor(source, writes, body) {
      this.source = source;
      this.writes = writes;
      this.body = body;
      this.reads = nothing;
      this.runs = 0;
      this.active = true;
      this.pending = false;
      /** Used while a batch is put in order: the actions that read what this one writes, and how many this waits for. */
      this.feeds = [];
      this.waitsFor = 0;
    }
    /** Subscribes to `reads`, and to them only: a change at, above or below one of them makes the action run again. */
    subscribe(reads) {
      const before = this.reads.places;
      for (let i = 0; i < before.length; i++) {
        const readers = before[i].readers;
        const at = readers === void 0 ? -1 : readers.indexOf(this);
        if (at < 0) continue;
        readers[at] = readers[readers.length - 1];
        readers.pop();
      }
      this.reads = reads;
      const places = reads.places;
      for (let i = 0; i < places.length; i++) {
        const place = places[i];
        if (place.readers === void 0) place.readers = [this];
        else place.readers.push(this);
      }
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
  var failures = [];
  var running;
  function schedule(action) {
    if (action.pending) return;
    action.pending = true;
    pending.push(action);
    wake();
  }
  function deliver(handler2, value) {
    events.push({ handler: handler2, value });
    wake();
  }
  function whenAtRest(done) {
    restWaiters.push(done);
    wake();
  }
  function changed(place) {
    for (let above = place.parent; above !== void 0; above = above.parent) rerun(above.readers);
    changedBelow(place);
  }
  function changedBelow(place) {
    rerun(place.readers);
    if (place.kids !== void 0) for (const kid of place.kids.values()) changedBelow(kid);
  }
  function rerun(actions) {
    if (actions !== void 0) for (let i = 0; i < actions.length; i++) schedule(actions[i]);
  }
  function wake() {
    if (waking || running !== void 0) return;
    waking = true;
    void Promise.resolve().then(turn);
  }
  function turn() {
    do {
      for (; ; ) {
        for (let action = batch.pop(); action !== void 0; action = batch.pop()) if (!perform(action)) return;
        const event2 = events.shift();
        if (event2 !== void 0 && !settle(event2.handler, void 0, event2.value)) return;
        if (pending.length > 0) {
          batch = inOrder(pending).reverse();
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
      fail(action.source, new Error(`Too many iterations: ${action.runs} action`));
      return true;
    }
    return settle(action.source, action, void 0);
  }
  function settle(source, action, event2) {
    const reads = new Reads();
    action?.subscribe(nothing);
    try {
      const result = action === void 0 ? source.handle(event2) : action.body(reads);
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
      fail(source, thrown);
    }
    if (action?.active) action.subscribe(reads);
    return true;
  }
  function fail(source, thrown) {
    failures.push({ kind: source.kind, ...describeThrown(thrown) });
  }
  function inOrder(actions) {
    if (actions.length < 2) return actions;
    for (let i = 0; i < actions.length; i++) {
      const { writes } = actions[i];
      for (let j = 0; j < writes.length; j++) {
        for (let above = writes[j].parent; above !== void 0; above = above.parent) meet(actions[i], above.readers);
        meetBelow(actions[i], writes[j]);
      }
    }
    const order = [];
    while (actions.length > 0) {
      let next = 0;
      for (let i = 1; i < actions.length && actions[next].waitsFor > 0; i++) {
        if (actions[i].waitsFor < actions[next].waitsFor) next = i;
      }
      const action = actions[next];
      actions.splice(next, 1);
      for (let i = 0; i < action.feeds.length; i++) action.feeds[i].waitsFor--;
      action.feeds = [];
      order.push(action);
    }
    for (let i = 0; i < order.length; i++) order[i].metBy = void 0;
    return order;
  }
  function meetBelow(writer, place) {
    meet(writer, place.readers);
    if (place.kids !== void 0) for (const kid of place.kids.values()) meetBelow(writer, kid);
  }
  function meet(writer, readers) {
    if (readers === void 0) return;
    for (let i = 0; i < readers.length; i++) {
      const reader = readers[i];
      if (reader === writer || !reader.pending || reader.metBy === writer) continue;
      reader.metBy = writer;
      writer.feeds.push(reader);
      reader.waitsFor++;
    }
  }

  // src/session.ts
  var session = {
    space: "",
    /** Every document that this run makes is new, so the host need not be asked for a stored one. */
    fresh: false,
    /** The recipe asked for another run at once. */
    again: false
  };

  // src/symbols.ts
  var ID = /* @__PURE__ */ Symbol("ID, unique to the context");
  var ID_FIELD = /* @__PURE__ */ Symbol("ID_FIELD, name of the field that holds the id");
  var PLACE = /* @__PURE__ */ Symbol("place");
  var LINK = /* @__PURE__ */ Symbol("link");
  var REF = /* @__PURE__ */ Symbol("ref");
  var GRAPH = /* @__PURE__ */ Symbol("graph");

  // src/write.ts
  var deepest = 512;
  function write(place, value) {
    const target = writeTarget(place);
    assign(target, containerOf(target), value);
  }
  function append(place, values) {
    const list = place.raw();
    for (const value of values) {
      const kid = place.child(list.length);
      put(kid, list, copied(kid, anchorOf(place), value, 0));
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
    place.doc.dirty = true;
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
      if (!isLink(current) || !sameLink(current, next)) put(place, container, { ...next });
    } else if (isArray(next) && isArray(current)) {
      assignElements(place, current, next);
    } else if (!isArray(next) && isObject(next) && isObject(current) && !isArray(current) && !isLink(current)) {
      assignFields(place, current, next);
    } else if (isObject(next)) {
      put(place, container, copied(place, anchorOf(place), next, 0));
    } else {
      const plain = storable(next);
      if (!is(current, plain)) put(place, container, plain);
    }
  }
  function assignElements(place, current, next) {
    const before = current.slice();
    for (let i = 0; i < next.length; i++) {
      if (i >= current.length || differs(current[i], next[i])) assign(place.child(i), current, next[i], before);
    }
    if (current.length > next.length) resize(place, next.length);
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
    if (isObject(fields[key])) place.doc.shape++;
    if (raw === void 0 && !isArray(container)) delete fields[key];
    else fields[key] = raw;
    place.doc.dirty = true;
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
      const sibling = siblings?.find((link) => isLink(link) && fieldOf(link, field) === value[field]);
      if (sibling !== void 0) {
        write(placeOf(sibling), unmarked(value));
        return sibling;
      }
      id = uuid();
    }
    const frame = topFrame();
    const doc = documentOf(entityId({ id }, { parent: { "/": anchor2.doc.id }, path: anchor2.path, context: frame?.cause }));
    if (!doc.loaded && (session.fresh || frame?.once)) doc.begin(void 0);
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
      const list = new Array(next.length);
      for (let i = 0; i < next.length; i++) {
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
      if (raw !== void 0) out[key] = raw;
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

  // src/array.ts
  var reading = "at concat entries every filter find findIndex findLast findLastIndex includes indexOf join keys lastIndexOf map reduce reduceRight slice some toLocaleString toString values with".split(" ");
  var changing = {
    pop: (raw) => detached(raw.pop()),
    shift: (raw) => detached(raw.shift()),
    unshift: (raw, args, of) => raw.unshift(...args.map((value) => storedForm(of.place, value))),
    splice: (raw, args, of) => {
      const [start2, count, ...added] = args;
      const stored = added.map((value) => storedForm(of.place, value));
      return detached(args.length < 2 ? raw.splice(start2) : raw.splice(start2, count, ...stored));
    },
    reverse: (raw) => raw.reverse(),
    fill: (raw, [value, start2, end], of) => {
      const range = raw.map((_, i) => i).slice(start2, end);
      for (const i of range) raw[i] = storedForm(of.place, value);
      return raw;
    },
    sort: (raw, [compare], of) => {
      const pairs = raw.map((value, i) => ({ value, seen: of.field(raw, i) }));
      pairs.sort((a, b) => (compare ?? byText)(a.seen, b.seen));
      pairs.forEach((pair, i) => raw[i] = pair.value);
      return raw;
    }
  };
  var arrayMethods = /* @__PURE__ */ new Map();
  for (const name of reading) {
    const method = Array.prototype[name];
    arrayMethods.set(name, (of, raw) => (...args) => method.apply(raw.map((_, i) => of.field(raw, i)), args));
  }
  for (const [name, change] of Object.entries(changing)) {
    arrayMethods.set(name, (of, raw) => (...args) => {
      const copy = [...raw];
      const result = change(copy, args, of);
      replaceElements(of.place, copy);
      return result === copy ? view(of.place, of.reads) : result;
    });
  }
  arrayMethods.set("push", (of, raw) => (...args) => {
    append(of.place, args);
    return raw.length;
  });
  function detached(value) {
    return isObject(value) ? view(temporary(value).root) : value;
  }
  function byText(a, b) {
    const x = String(a), y = String(b);
    return x < y ? -1 : x > y ? 1 : 0;
  }

  // src/view.ts
  function view(place, reads) {
    const at = resolve(place, reads);
    const raw = found;
    reads?.add(at);
    return isObject(raw) ? new Proxy(raw, new View(at, reads, at.doc.shape)) : raw;
  }
  function isView(value) {
    return isObject(value) && placeOfView(value) !== void 0;
  }
  function placeOfView(value) {
    return value[PLACE];
  }
  var View = class _View {
    constructor(place, reads, shape) {
      this.place = place;
      this.reads = reads;
      this.shape = shape;
    }
    get(target, key, receiver) {
      if (typeof key === "symbol") return this.symbol(target, key, receiver);
      const raw = this.raw(target);
      const value = raw[key];
      if (typeof value !== "function") return this.shown(value, key);
      return isArray(raw) ? arrayMethods.get(key)?.(this, raw) ?? value : value;
    }
    set(_target, key, value) {
      if (typeof key === "symbol") return false;
      if (key === "length" && isArray(this.place.raw())) resize(this.place, Number(value));
      else write(this.place.child(key), value);
      return true;
    }
    deleteProperty(_target, key) {
      if (typeof key === "string") write(this.place.child(key), void 0);
      return true;
    }
    field(raw, key) {
      return this.shown(raw[key], key);
    }
    // An object inside this one's document is noted as read with this one: only links and aliases lead elsewhere.
    shown(value, key) {
      if (!isObject(value)) return value;
      if (isAlias(value) || isLink(value)) return view(this.place.child(key), this.reads);
      return new Proxy(value, new _View(this.place.child(key), this.reads, this.place.doc.shape));
    }
    /** The stored object; usually the one that the proxy was made for, unless something has replaced it since. */
    raw(target) {
      if (this.shape === this.place.doc.shape) return target;
      resolve(this.place, this.reads);
      return isObject(found) ? found : {};
    }
    symbol(target, key, receiver) {
      if (key === PLACE) return this.place;
      if (key === LINK) return linkTo(this.place);
      return Reflect.get(this.raw(target), key, receiver);
    }
  };

  // src/schema.ts
  var Plan = class {
    constructor(schema2, root2) {
      this.root = root2;
      this.kind = "scalar";
      /** Nothing below is a cell or a view: then reading needs no places, only stored values. */
      this.plain = false;
      /** A primitive that is stored is what is read. */
      this.asIs = false;
      this.fields = [];
      this.options = [];
      this.asCell = schema2.asCell === true || schema2.asStream === true;
      const { asCell: _cell, asStream: _stream, ...rest } = schema2.$ref === "#" ? root2 : schema2;
      this.schema = keys(rest).length > 0 ? rest : void 0;
      this.default = rest.default;
    }
  };
  var plans = /* @__PURE__ */ new WeakMap();
  function planOf(schema2, root2 = schema2) {
    const known = plans.get(schema2);
    if (known?.root === root2) return known;
    const plan = new Plan(schema2, root2);
    plans.set(schema2, plan);
    fill(plan, plan.schema ?? {}, root2);
    return plan;
  }
  function fill(plan, { type, properties, additionalProperties: extra, items, anyOf }, root2) {
    const parts = [];
    const part = (schema2) => {
      const made = planOf(schema2, root2);
      parts.push(made);
      return made;
    };
    if (isArray(anyOf)) {
      plan.kind = "choice";
      plan.options = anyOf.map(part);
    } else if (properties !== void 0 || type === "object" && extra) {
      plan.kind = "object";
      for (const key of keys(properties ?? {})) plan.fields.push({ key, plan: part(properties[key]) });
      if (extra) plan.extra = part(extra === true ? {} : extra);
    } else if (type === "array") {
      plan.kind = items === void 0 ? "list" : "array";
      plan.items = part(items ?? {});
    } else if (type === void 0 || type === "object") plan.kind = "view";
    plan.asIs = !plan.asCell && (plan.kind === "scalar" || plan.kind === "view" || plan.kind === "list");
    plan.plain = plan.kind !== "view" && !plan.asCell && parts.every((made) => made.plain);
  }
  function read(place, plan, reads) {
    if (plan.asCell) return cellAt(cellPlace(place, reads), plan.schema, plan.root, reads);
    if (plan.kind === "view" && plan.default === void 0) return view(place, reads);
    const at = resolve(place, reads);
    const raw = found;
    reads?.add(at);
    return shaped(at.doc, at, raw, plan, reads);
  }
  function cellPlace(place, reads) {
    const at = writeTarget(place);
    const raw = at.raw();
    if (!isLink(raw)) return at;
    reads?.add(at);
    return documentOf(raw.cell["/"]).root.at(raw.path);
  }
  function shaped(doc, place, raw, plan, reads) {
    if (raw === void 0 && plan.default !== void 0) return defaultOf(plan);
    switch (plan.kind) {
      case "view":
        return view(place, reads);
      case "object":
        return shapedObject(doc, place, isObject(raw) && !isArray(raw) ? raw : {}, plan, reads);
      case "array":
        return isArray(raw) ? shapedList(doc, place, raw, plan.items, reads) : [];
      case "list":
        return isArray(raw) ? shapedList(doc, place, raw, plan.items, reads) : copyOf(raw);
      case "choice":
        return chosen(doc, place, raw, plan, reads);
      case "scalar":
        return copyOf(raw);
    }
  }
  function member(doc, place, raw, plan, reads) {
    if (plan.asCell) return read(place, plan, reads);
    if (typeof raw !== "object" || raw === null) return plan.asIs ? raw : shaped(doc, place, raw, plan, reads);
    const next = follow(doc, raw);
    return next === void 0 ? shaped(doc, place, raw, plan, reads) : read(next, plan, reads);
  }
  function shapedObject(doc, place, raw, plan, reads) {
    const out = {};
    const { fields } = plan;
    for (let i = 0; i < fields.length; i++) {
      const { key, plan: part } = fields[i];
      const value = raw[key];
      if (value === void 0 && !part.asCell) {
        if (part.default !== void 0) out[key] = defaultOf(part);
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
  function shapedList(doc, place, raw, items, reads) {
    const out = new Array(raw.length);
    for (let i = 0; i < raw.length; i++) {
      out[i] = member(doc, items.plain ? void 0 : place.child(i), raw[i], items, reads);
    }
    return out;
  }
  function chosen(doc, place, raw, plan, reads) {
    if (raw === null || raw === void 0) return void 0;
    const fitting = plan.options.filter((option) => fits(option, raw));
    if (fitting.length === 0) return void 0;
    const cell2 = fitting.find((option) => option.asCell);
    if (cell2 !== void 0) return read(place, cell2, reads);
    if (isArray(raw)) {
      const items = fitting.flatMap((option) => option.items ?? []);
      const part = items.length === 1 ? items[0] : planOf({ anyOf: items.map((item) => item.schema ?? {}) }, plan.root);
      return shapedList(doc, place, raw, part, reads);
    }
    const open = fitting.find((option) => option.kind !== "object");
    if (open !== void 0) return shaped(doc, place, raw, open, reads);
    return Object.assign({}, ...fitting.map((option) => shaped(doc, place, raw, option, reads)));
  }
  function fits(option, raw) {
    const type = option.schema?.type;
    if (isArray(raw)) return type === "array";
    if (isObject(raw)) return option.kind === "object" || option.kind === "view";
    return type === void 0 || type === typeof raw || type === "integer" && typeof raw === "number";
  }
  function defaultOf(plan) {
    const doc = temporary(copyOf(plan.default));
    return plan.kind === "view" ? view(doc.root) : shaped(doc, doc.root, doc.value, plan);
  }
  function copyOf(raw) {
    return isObject(raw) ? parse(stringify(raw)) : raw;
  }
  function schemaAt(schema2, key, root2 = schema2) {
    const whole = schema2?.$ref === "#" ? root2 : schema2;
    if (whole === void 0) return void 0;
    const extra = isObject(whole.additionalProperties) ? whole.additionalProperties : void 0;
    return whole.properties?.[key] ?? (whole.type === "array" ? whole.items : extra);
  }
  function defaultsOf(schema2) {
    if (schema2?.properties === void 0) return schema2?.type === "object" ? void 0 : schema2?.default;
    const out = {};
    for (const key of keys(schema2.properties)) {
      const value = defaultsOf(schema2.properties[key]);
      if (value !== void 0) out[key] = copyOf(value);
    }
    return keys(out).length > 0 ? out : void 0;
  }

  // src/cell.ts
  function cellAt(place, schema2, root2 = schema2, reads) {
    return streamAt(place) !== void 0 ? new Stream(place) : new Cell(place, schema2, root2, reads);
  }
  function streamAt(place) {
    if (!place.doc.loaded) return void 0;
    const at = resolve(place);
    return isStream(found) ? at : void 0;
  }
  function sendEvent(place, event2) {
    const handlers = resolve(place).handlers ?? [];
    for (const handler2 of handlers) deliver(handler2, event2);
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
      const handler2 = { kind: "handler", code: callback, label: "sink", handle: callback };
      (at.handlers ??= []).push(handler2);
      return () => void at.handlers?.splice(at.handlers.indexOf(handler2), 1);
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
      return schema2 === void 0 ? view(this.place, this.reads) : read(this.place, planOf(schema2, this.rootSchema ?? schema2), this.reads);
    }
    set(value) {
      if (streamAt(this.place) !== void 0) sendEvent(this.place, value);
      else write(this.place, value);
    }
    send(value) {
      this.set(value);
    }
    update(values) {
      if (!isObject(values) || isArray(values)) throw new Error("Can't update with non-object value");
      for (const key of keys(values)) write(this.place.child(key), values[key]);
    }
    push(...values) {
      const at = resolve(this.place);
      if (found === void 0 || found === null) write(at, isArray(this.schema?.default) ? this.schema.default : []);
      else if (!isArray(found)) throw new Error("Can't push into non-array value");
      const frame = topFrame();
      append(at, frame === void 0 ? values : values.map((value) => isBare(value) ? { ...value, [ID]: frame.nextId() } : value));
    }
    key(key) {
      const child = this.place.child(key);
      return cellAt(child, schemaAt(this.schema, key, this.rootSchema), this.rootSchema, this.reads);
    }
    equals(other) {
      return JSON.stringify(this) === JSON.stringify(other);
    }
    asSchema(schema2, root2 = schema2) {
      return new _Cell(this.place, schema2, root2, this.reads);
    }
    withLog(reads) {
      return new _Cell(this.place, this.schema, this.rootSchema, reads);
    }
    /** Calls back now and whenever something that the callback's value is made of has changed. */
    sink(callback) {
      const action = new Action({ kind: "lift", code: callback, label: "sink" }, [], (reads) => {
        callback(this.withLog(reads).get());
      });
      schedule(action);
      return () => action.stop();
    }
    getAsQueryResult(path2 = [], reads = this.reads) {
      return view(this.place.at(path2), reads);
    }
    getSourceCell(schema2) {
      this.place.doc.read();
      const source = this.place.doc.source;
      return source && cellAt(source.root, schema2);
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

  // src/recipe.ts
  function recipe(about, second, third) {
    const fn = third ?? second;
    const resultSchema = third === void 0 ? void 0 : second;
    const frame = pushFrame();
    try {
      const schema2 = typeof about === "string" ? void 0 : about;
      const inputs = newOpaqueRef(void 0, schema2);
      const graph2 = new Graph(schema2, resultSchema ?? {});
      buildGraph(frame, refOf(inputs), fn(inputs), graph2);
      graph2.argumentSchema ??= { ...inferSchema(refOf(inputs).root.defaults ?? {}, true), description: about };
      return asRecipe(graph2);
    } finally {
      popFrame(frame);
    }
  }
  function recipeFromFrame(about, resultSchema, fn) {
    const frame = topFrame();
    const inputs = newOpaqueRef();
    const graph2 = new Graph(typeof about === "string" ? { type: "object", properties: {}, description: about } : about, resultSchema ?? {});
    return asRecipe(buildGraph(frame, refOf(inputs), fn(inputs), graph2));
  }
  function asRecipe(graph2) {
    const module = { type: "recipe", implementation: void 0 };
    const factory = createNodeFactory(module);
    for (const key of keys(module)) delete factory[key];
    const { argumentSchema, resultSchema, initial, result, nodes } = graph2;
    module.implementation = Object.assign(factory, { argumentSchema, resultSchema, initial, result, nodes });
    Object.defineProperty(factory, "toJSON", { value: () => graph2.toJSON() });
    Object.defineProperty(factory, GRAPH, { value: graph2 });
    return factory;
  }
  function inferSchema(example, withDefaults2 = false) {
    const schema2 = {};
    if (isArray(example)) {
      const properties = {};
      for (const item of example) {
        if (isObject(item)) for (const key of keys(item)) properties[key] ??= inferSchema(item[key]);
      }
      schema2.type = "array";
      schema2.items = { type: "object", properties };
    } else if (isObject(example)) {
      schema2.type = "object";
      schema2.properties = {};
      for (const key of keys(example)) schema2.properties[key] = inferSchema(example[key], withDefaults2);
      return schema2;
    } else if (example === null) schema2.type = "null";
    else if (typeof example === "number") schema2.type = Number.isInteger(example) ? "integer" : "number";
    else if (typeof example === "string" || typeof example === "boolean") schema2.type = typeof example;
    if (withDefaults2 && example !== void 0) schema2.default = example;
    return schema2;
  }

  // src/node.ts
  function addNode(module, inputs, outputs) {
    const frame = topFrame();
    if (frame === void 0) throw new Error("Lifts, handlers and recipes can only be called inside a recipe.");
    const node = { module, inputs, outputs, frame };
    for (const part of [inputs, outputs]) walkRefs(part, (ref) => ref.root.nodes.add(node));
  }
  function createNodeFactory(module) {
    if (module.argumentSchema !== void 0) module.plan = planOf(module.argumentSchema);
    const factory = (inputs) => {
      const outputs = newOpaqueRef(void 0, module.resultSchema);
      addNode(module, inputs, outputs);
      return outputs;
    };
    return Object.assign(factory, module);
  }
  function byRef(name) {
    return createNodeFactory({ type: "ref", implementation: name });
  }
  function codeModule(implementation, argumentSchema, resultSchema) {
    const module = { type: "javascript", implementation };
    if (argumentSchema !== void 0) module.argumentSchema = argumentSchema;
    if (resultSchema !== void 0) module.resultSchema = resultSchema;
    return module;
  }
  function lift(first, resultSchema, fn) {
    if (typeof first === "function") return createNodeFactory(codeModule(first));
    return createNodeFactory(codeModule(fn, first, resultSchema));
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
    const schemas = typeof first !== "function";
    const argumentSchema = schemas ? { type: "object", properties: { $event: first ?? {}, ...stateSchema?.properties } } : void 0;
    const module = { ...codeModule(schemas ? fn : first), wrapper: "handler" };
    if (argumentSchema !== void 0) {
      module.argumentSchema = argumentSchema;
      module.plan = planOf(argumentSchema);
    }
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
  var ifElse = (condition, then, otherwise) => conditional([condition, then, otherwise]);
  var conditional = byRef("ifElse");
  var mapping = byRef("map");
  var fetchData = byRef("fetchData");
  var streamData = byRef("streamData");
  var llm = byRef("llm");
  var navigateTo = byRef("navigateTo");
  var interpolate = lift(
    ({ strings, values }) => strings.reduce((text, string, i) => text + string + (i < values.length ? String(values[i]) : ""), "")
  );
  function str(strings, ...values) {
    return interpolate({ strings: [...strings], values });
  }
  function mapOver(list, fn) {
    const op = recipe("mapping function", ({ element, index, array }) => fn(element, index, array));
    return mapping({ list, op });
  }

  // src/opaque.ts
  var Root = class {
    constructor(frame, value, schema2) {
      this.frame = frame;
      this.value = value;
      this.schema = schema2;
      this.nodes = /* @__PURE__ */ new Set();
      this.path = [];
    }
  };
  var Ref = class _Ref {
    constructor(root2, path2, schema2) {
      this.root = root2;
      this.path = path2;
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
      const method = methods[key];
      return opaqueRef(this.child(key), method && ((...args) => method(this, ...args)));
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
      for (let i = 0; i < mostElements; i++) yield opaqueRef(this.child(i));
      throw new Error("Can't use iterator over an opaque value in an unlimited loop.");
    }
  };
  var mostElements = 50;
  var methods = Object.assign(/* @__PURE__ */ Object.create(null), {
    get: (ref) => ref.materialize(),
    set: (ref, value) => assignValue(ref, value),
    key: (ref, key) => opaqueRef(ref.child(key)),
    setDefault: (ref, value) => {
      if (valueAt(ref.root.defaults, ref.path) === void 0) ref.root.defaults = withValue(ref.root.defaults, ref.path, value);
    },
    setName: (ref, name) => void (ref.root.name = name),
    setPreExisting: (ref, value) => void (ref.root.existing = value[PLACE]),
    connect: (ref, node) => void ref.root.nodes.add(node),
    export: (ref) => ({ path: ref.path, value: ref.root.value, name: ref.root.name, nodes: ref.root.nodes }),
    map: (ref, fn) => mapOver(opaqueRef(ref), fn),
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
  function valueAt(value, path2) {
    for (const key of path2) value = isObject(value) ? value[key] : void 0;
    return value;
  }
  function withValue(value, path2, part) {
    if (path2.length === 0) return part;
    const [key, ...rest] = path2;
    const whole = isObject(value) ? value : typeof key === "number" ? [] : {};
    whole[key] = withValue(whole[key], rest, part);
    return whole;
  }

  // src/graph.ts
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
    target(cell2) {
      const out = { path: this.path };
      const schema2 = this.ref?.schema;
      if (schema2 !== void 0) {
        out.schema = schema2;
        out.rootSchema = this.ref.root.schema;
      }
      if (cell2 !== void 0) out.cell = cell2;
      return out;
    }
  };
  var Graph = class {
    constructor(argumentSchema, resultSchema) {
      this.argumentSchema = argumentSchema;
      this.resultSchema = resultSchema;
      this.nodes = [];
      this.initial = {};
      /** Cells of enclosing graphs that are used in this one. */
      this.captured = [];
    }
    /** The name of a recipe that has no source of its own: a reference of its graph, "ba4jc…". */
    get id() {
      return this.text ??= host.refer(stringify(this), "string");
    }
    /** `level` counts the graphs that enclose this one as a value among a node's inputs. */
    toJSON(level = 0) {
      const json = (value) => treeJSON(value, level);
      return {
        argumentSchema: this.argumentSchema,
        resultSchema: this.resultSchema,
        initial: json(this.initial),
        result: json(this.result),
        nodes: this.nodes.map(({ module, inputs, outputs }) => ({
          module: moduleJSON(module, level),
          inputs: json(inputs),
          outputs: json(outputs)
        }))
      };
    }
  };
  function graphOf(value) {
    return typeof value === "function" ? value[GRAPH] : void 0;
  }
  function moduleJSON({ plan: _plan, implementation, ...rest }, level) {
    const graph2 = graphOf(implementation);
    const shown = graph2?.toJSON(level) ?? (typeof implementation === "function" ? String(implementation) : implementation);
    const { type, ...others } = rest;
    return { type, implementation: shown, ...others };
  }
  function treeJSON(value, level) {
    if (value instanceof Alias) {
      if (value.place !== void 0) return { $alias: value.target({ "/": value.place.doc.id }) };
      const out = level - value.depth;
      return out < 0 ? { shadowOf: null } : { $alias: value.target(out === 0 ? void 0 : out) };
    }
    const graph2 = graphOf(value);
    if (graph2 !== void 0) return graph2.toJSON(level + 1);
    if (isArray(value)) return value.map((item) => treeJSON(item, level));
    return isObject(value) ? mapObject(value, (field) => treeJSON(field, level)) : value;
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
      return isArray(value) ? value.map((item) => convert(item)) : mapObject(value, (field) => convert(field, emptyNull));
    };
    graph2.result = convert(outputs);
    for (const { module, inputs: inputs2, outputs: outputs2 } of nodes) {
      passOnCaptured(module.implementation, frame, graph2);
      const node = { module, inputs: convert(inputs2), outputs: convert(outputs2) };
      graph2.nodes.push({ ...node, reads: aliasesIn(node.inputs), writes: aliasesIn(node.outputs) });
    }
    for (const root2 of roots) {
      root2.owner = graph2;
      if (root2 === inputs?.root) continue;
      const name = root2.path[1];
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
    for (const { depth, path: path2, place } of aliases) {
      if (depth > 0 || place !== void 0 || path2[0] !== "internal" || path2.length < 3) continue;
      const internal = graph2.initial.internal ??= {};
      for (let length = 2; length < path2.length; length++) {
        const container = path2.slice(1, length);
        const known = container.reduce((value, key) => isObject(value) ? value[key] : void 0, internal);
        if (known === void 0) withValue(internal, container, typeof path2[length] === "number" ? [] : {});
        else if (!isObject(known) || known instanceof Alias) break;
      }
    }
  }
  function walkRefs(value, visit) {
    const ref = refOf(value);
    if (ref !== void 0) visit(ref);
    else if (isArray(value)) for (const item of value) walkRefs(item, visit);
    else if (isObject(value)) {
      if (value[PLACE] === void 0) for (const key of keys(value)) walkRefs(value[key], visit);
    } else graphOf(value)?.captured.forEach(visit);
  }
  function aliasesIn(value) {
    if (value instanceof Alias) return [value];
    if (isArray(value)) return value.flatMap(aliasesIn);
    return isObject(value) ? keys(value).flatMap((key) => aliasesIn(value[key])) : [];
  }

  // src/web/url.ts
  var settable = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
  var URL = class _URL {
    constructor(input, base) {
      const text = host.url(String(input), base === void 0 ? void 0 : String(base));
      if (text === "") throw new TypeError(`Invalid URL: ${input}`);
      this.parts = parse(text);
      this.searchParams = new URLSearchParams(this.parts.search, (search) => this.change("search", search));
      Object.defineProperty(this, "parts", { enumerable: false, writable: true });
      Object.defineProperty(this, "searchParams", { enumerable: false, writable: false });
    }
    static canParse(input, base) {
      return host.url(String(input), base === void 0 ? void 0 : String(base)) !== "";
    }
    static parse(input, base) {
      return _URL.canParse(input, base) ? new _URL(input, base) : null;
    }
    get href() {
      return this.parts.href;
    }
    set href(href) {
      const { parts } = new _URL(href);
      this.parts = parts;
      this.searchParams.reread(parts.search);
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
    part(part) {
      return this.parts[part];
    }
    /** Sets one part; a value that is not valid for it changes nothing, as in browsers. */
    change(part, value) {
      const text = host.urlset(this.parts.href, part, value);
      if (text !== "") this.parts = parse(text);
    }
  };
  for (const part of settable) {
    Object.defineProperty(URL.prototype, part, {
      configurable: true,
      enumerable: true,
      get() {
        return this.part(part);
      },
      set(value) {
        this.change(part, String(value));
        if (part === "search") this.searchParams.reread(this.part("search"));
      }
    });
  }
  var URLSearchParams = class {
    constructor(init = "", changed2) {
      this.changed = changed2;
      this.pairs = [];
      Object.defineProperty(this, "pairs", { enumerable: false, writable: true });
      Object.defineProperty(this, "changed", { enumerable: false });
      if (typeof init === "string") this.reread(init);
      else if (Symbol.iterator in init) {
        for (const [name, value] of init) this.pairs.push([String(name), String(value)]);
      } else for (const [name, value] of Object.entries(init)) this.pairs.push([name, String(value)]);
    }
    reread(search) {
      const text = search.startsWith("?") ? search.slice(1) : search;
      this.pairs = text.split("&").filter((pair) => pair !== "").map((pair) => {
        const at = pair.indexOf("=");
        return at < 0 ? [unescape(pair), ""] : [unescape(pair.slice(0, at)), unescape(pair.slice(at + 1))];
      });
    }
    get size() {
      return this.pairs.length;
    }
    append(name, value) {
      this.pairs.push([String(name), String(value)]);
      this.notify();
    }
    delete(name, value) {
      this.pairs = this.pairs.filter((pair) => pair[0] !== name || value !== void 0 && pair[1] !== String(value));
      this.notify();
    }
    get(name) {
      return this.pairs.find((pair) => pair[0] === name)?.[1] ?? null;
    }
    getAll(name) {
      return this.pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
    }
    has(name, value) {
      return this.pairs.some((pair) => pair[0] === name && (value === void 0 || pair[1] === String(value)));
    }
    set(name, value) {
      const first = this.pairs.find((pair) => pair[0] === name);
      if (first === void 0) return this.append(name, value);
      first[1] = String(value);
      this.pairs = this.pairs.filter((pair) => pair === first || pair[0] !== name);
      this.notify();
    }
    sort() {
      this.pairs.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
      this.notify();
    }
    forEach(callback) {
      for (const [name, value] of this.pairs) callback(value, name, this);
    }
    entries() {
      return this.pairs.map(([name, value]) => [name, value])[Symbol.iterator]();
    }
    keys() {
      return this.pairs.map((pair) => pair[0])[Symbol.iterator]();
    }
    values() {
      return this.pairs.map((pair) => pair[1])[Symbol.iterator]();
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
    }
    notify() {
      this.changed?.(this.toString());
    }
  };
  function escape(text) {
    const escaped = encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");
    return escaped.replace(/[!'()~]/g, (char) => "%" + char.charCodeAt(0).toString(16).toUpperCase());
  }
  function unescape(text) {
    const spaced = text.replaceAll("+", " ");
    try {
      return decodeURIComponent(spaced);
    } catch {
      const bytes = [];
      for (let i = 0; i < spaced.length; i++) {
        const hex = spaced[i] === "%" ? spaced.slice(i + 1, i + 3) : "";
        if (/^[0-9a-f]{2}$/i.test(hex)) {
          bytes.push(parseInt(hex, 16));
          i += 2;
        } else bytes.push(...host.encode(spaced[i]));
      }
      return host.utf8(new Uint8Array(bytes), "utf-8", 0);
    }
  }

  // src/environment.ts
  function environment() {
    return parse(host.env());
  }
  function apiURL() {
    return environment().apiUrl;
  }
  function getRecipeEnvironment() {
    const { apiUrl, occasion } = environment();
    return {
      apiUrl: new URL(apiUrl),
      /** Equal in every retry of this run: an idempotency key for servers that take one. */
      occasion,
      /** Asks for another run at once, as part of what this run commits. */
      again: () => void (session.again = true)
    };
  }

  // src/html.ts
  var html_exports = {};
  __export(html_exports, {
    Fragment: () => Fragment,
    debug: () => debug,
    h: () => h,
    render: () => render2,
    setDebug: () => setDebug,
    setEventSanitizer: () => setEventSanitizer,
    setNodeSanitizer: () => setNodeSanitizer
  });
  var Fragment = "Fragment";
  function h(name, props, ...children) {
    if (typeof name === "function") return name({ ...props, children: children.flat() });
    return { type: "vnode", name, props: props ?? {}, children: children.flat() };
  }
  function render2() {
    throw new Error("There is no page to render to in the background.");
  }
  function setEventSanitizer() {
  }
  function setNodeSanitizer() {
  }
  function setDebug() {
  }
  function debug() {
  }

  // src/spell.ts
  function schema(value) {
    return value;
  }
  function markAsStatic(value) {
    return { $static: value };
  }
  function isStatic(value) {
    return isObject(value) && "$static" in value;
  }
  function isModule(value) {
    return typeof value === "function" && typeof value.type === "string";
  }
  function deepEqual(a, b) {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b) || isArray(a) !== isArray(b)) return false;
    const names = keys(a);
    return names.length === keys(b).length && names.every((name) => name in b && deepEqual(a[name], b[name]));
  }
  var path = pick((value) => value);
  function pick(from) {
    return new Proxy(from, {
      get: (_, key) => pick((value) => {
        const whole = from(value);
        return isObject(whole) ? whole[key] : void 0;
      })
    });
  }
  function event(name) {
    return { $event: name };
  }
  var Spell = class {
    constructor() {
      this.updates = [];
      this.rules = [];
      this.streams = {};
    }
    addEventListener(name, update) {
      this.updates.push({ name, update });
    }
    addRule(condition, update) {
      this.rules.push({ condition, update });
    }
    /** The stream of an event, for use in render(). */
    dispatch(name) {
      return this.streams[name];
    }
    compile(title = "Spell") {
      return recipe(title, () => {
        const initial = this.init();
        const state = {};
        for (const name of keys(initial)) state[name] = cell(initial[name]);
        for (const { name, update } of this.updates) {
          this.streams[name] = handler((event2, props) => update(props, event2))(state);
        }
        for (const { condition, update } of this.rules) {
          lift((current) => {
            if (condition(current)) update(current);
          })(state);
        }
        return { $NAME: title, $UI: this.render(state), ...state, ...this.streams };
      });
    }
  };

  // src/web/operation.ts
  var last = 0;
  var waiting = /* @__PURE__ */ new Map();
  function begin(ended) {
    waiting.set(++last, ended);
    return last;
  }
  function forget(op) {
    return waiting.delete(op);
  }
  function settle2(op, head, body) {
    waiting.get(op)?.(head, body);
  }

  // src/web/timers.ts
  function start(callback, ms, repeat, args) {
    const op = begin(() => {
      if (repeat === 0) forget(op);
      callback(...args);
    });
    const delay = Number(ms);
    host.timer(op, delay > 0 ? delay : 0, repeat);
    return op;
  }
  function setTimeout(callback, ms, ...args) {
    return start(callback, ms, 0, args);
  }
  function setInterval(callback, ms, ...args) {
    return start(callback, ms, 1, args);
  }
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
  var builder = {
    $: path,
    ID,
    ID_FIELD,
    NAME: "$NAME",
    Spell,
    TYPE: "$TYPE",
    UI: "$UI",
    byRef,
    cell,
    compute,
    createJsonSchema: inferSchema,
    createNodeFactory,
    deepEqual,
    derive,
    event,
    fetchData,
    getRecipeEnvironment,
    getTopFrame: topFrame,
    getValueAtPath: valueAt,
    handler,
    ifElse,
    isAlias,
    isModule,
    isOpaqueRef: (value) => refOf(value) !== void 0,
    isRecipe: (value) => graphOf(value) !== void 0,
    isStatic,
    isStreamAlias: isStream,
    lift,
    llm,
    markAsStatic,
    navigateTo,
    popFrame,
    pushFrame,
    pushFrameFromCause: (cause) => pushFrame(void 0, void 0, () => cause),
    recipe,
    recipeFromFrame,
    render,
    schema,
    select: path,
    setValueAtPath: withValue,
    str,
    stream,
    streamData,
    toOpaqueRef: /* @__PURE__ */ Symbol("toOpaqueRef"),
    unsafe_materializeFactory: /* @__PURE__ */ Symbol("unsafe_materializeFactory"),
    unsafe_originalRecipe: /* @__PURE__ */ Symbol("unsafe_originalRecipe"),
    unsafe_parentRecipe: /* @__PURE__ */ Symbol("unsafe_parentRecipe")
  };
  var runner = {
    isCell: (value) => value instanceof Cell,
    isStream: (value) => value instanceof Stream,
    isQueryResult: isView
  };
  var { h: h2, Fragment: Fragment2 } = html_exports;
  var modules = /* @__PURE__ */ new Map([
    ["@commontools/builder", builder],
    ["@commontools/html", html_exports],
    ["@commontools/llm", {}],
    ["@commontools/runner", runner],
    ["@commontools/utils/sleep", { sleep }],
    ["commontools", { ...builder, h: h2, Fragment: Fragment2 }]
  ]);
  function require2(name) {
    const module = modules.get(name);
    if (module === void 0) throw new Error(`Module not found: ${name}`);
    return module;
  }

  // src/report.ts
  var deepest2 = 64;
  function isUpdatable(result) {
    const at = resolve(result.child("bgUpdater"));
    return isStream(found) && (at.handlers?.length ?? 0) > 0;
  }
  function nameOf(result) {
    resolve(result.child("$NAME"));
    return found === void 0 || found === null || isObject(found) ? null : String(found);
  }
  function integrationOf(result) {
    return findIntegration(result.child("$UI"), 0) ?? null;
  }
  function findIntegration(place, depth) {
    if (depth > deepest2) return void 0;
    const raw = place.raw();
    if (!isObject(raw)) return void 0;
    if (isAlias(raw) || isLink(raw)) {
      if (!session.fresh) return void 0;
      const at = resolve(place);
      return at === place || !isObject(found) ? void 0 : findIntegration(at, depth + 1);
    }
    if (raw.type === "vnode" && raw.name === "common-updater" && isObject(raw.props)) {
      resolve(place.at(["props", "integration"]));
      if (typeof found === "string") return found;
    }
    const children = isArray(raw) ? place : place.child("children");
    const list = children.raw();
    if (!isArray(list)) return isObject(list) && !isArray(raw) ? findIntegration(children, depth + 1) : void 0;
    for (let i = 0; i < list.length; i++) {
      const integration = findIntegration(children.child(i), depth + 1);
      if (integration !== void 0) return integration;
    }
    return void 0;
  }
  function whereIs({ code, label }) {
    const { fileName, lineNumber, columnNumber } = code;
    const name = code.name || label;
    return { name, stack: fileName === void 0 ? "" : `    at ${name} (${fileName}:${lineNumber}:${columnNumber ?? 1})` };
  }

  // src/web/abort.ts
  var legacyCodes = { AbortError: 20, TimeoutError: 23, DataCloneError: 25, InvalidCharacterError: 5 };
  var DOMException = class extends Error {
    constructor(message = "", name = "Error") {
      super(message);
      Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
    }
    get code() {
      return legacyCodes[this.name] ?? 0;
    }
  };
  var Event = class {
    constructor(type, init = {}) {
      this.type = type;
      this.target = null;
      this.defaultPrevented = false;
      Object.assign(this, init);
    }
    preventDefault() {
      this.defaultPrevented = true;
    }
  };
  var EventTarget = class {
    constructor() {
      this.listeners = [];
    }
    addEventListener(type, listener, options) {
      if (this.listeners.some((known) => known.type === type && known.listener === listener)) return;
      this.listeners.push({ type, listener, once: typeof options === "object" && options.once === true });
    }
    removeEventListener(type, listener) {
      const index = this.listeners.findIndex((known) => known.type === type && known.listener === listener);
      if (index >= 0) this.listeners.splice(index, 1);
    }
    dispatchEvent(event2) {
      event2.target = this;
      for (const { type, listener, once: once2 } of [...this.listeners]) {
        if (type !== event2.type) continue;
        if (once2) this.removeEventListener(type, listener);
        if (typeof listener === "function") listener.call(this, event2);
        else listener.handleEvent(event2);
      }
      return !event2.defaultPrevented;
    }
  };
  var AbortSignal = class _AbortSignal extends EventTarget {
    constructor() {
      super(...arguments);
      this.aborted = false;
      this.reason = void 0;
      this.onabort = null;
    }
    static abort(reason) {
      const signal = new _AbortSignal();
      abort(signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new _AbortSignal();
      setTimeout(() => abort(signal, new DOMException("The operation timed out.", "TimeoutError")), ms);
      return signal;
    }
    static any(signals) {
      const any = new _AbortSignal();
      for (const signal of signals) {
        if (signal.aborted) abort(any, signal.reason);
        else signal.addEventListener("abort", () => abort(any, signal.reason), { once: true });
      }
      return any;
    }
    throwIfAborted() {
      if (this.aborted) throw this.reason;
    }
  };
  function abort(signal, reason) {
    if (signal.aborted) return;
    signal.aborted = true;
    signal.reason = reason ?? new DOMException("The operation was aborted.", "AbortError");
    const event2 = new Event("abort");
    signal.onabort?.(event2);
    signal.dispatchEvent(event2);
  }
  var AbortController = class {
    constructor() {
      this.signal = new AbortSignal();
    }
    abort(reason) {
      abort(this.signal, reason);
    }
  };

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
    encodeInto(text, into) {
      let read2 = 0, written = 0;
      for (const char of text) {
        const bytes = host.encode(char);
        if (written + bytes.length > into.length) break;
        into.set(bytes, written);
        read2 += char.length;
        written += bytes.length;
      }
      return { read: read2, written };
    }
  };
  var TextDecoder = class {
    constructor(encoding = "utf-8", options = {}) {
      this.encoding = encoding;
      this.ignoreBOM = false;
      this.held = new Uint8Array(0);
      this.encoding = String(encoding).trim().toLowerCase();
      this.fatal = options.fatal === true;
      host.utf8(this.held, this.encoding, 0);
    }
    decode(data, { stream: stream2 = false } = {}) {
      const given = data === void 0 ? new Uint8Array(0) : bytesOf(data);
      const bytes = new Uint8Array(this.held.length + given.length);
      bytes.set(this.held);
      bytes.set(given, this.held.length);
      const whole = stream2 && this.encoding === "utf-8" ? wholeCharacters(bytes) : bytes.length;
      this.held = bytes.slice(whole);
      return host.utf8(bytes.subarray(0, whole), this.encoding, this.fatal ? 1 : 0);
    }
  };
  function wholeCharacters(bytes) {
    for (let back = 1; back <= 3 && back <= bytes.length; back++) {
      const byte = bytes[bytes.length - back];
      if (byte < 128) break;
      if (byte >= 192) return byte >= (back === 3 ? 240 : back === 2 ? 224 : 192) ? bytes.length - back : bytes.length;
    }
    return bytes.length;
  }
  var atob = (text) => host.atob(String(text));
  var btoa = (text) => host.btoa(String(text));

  // src/web/fetch.ts
  var Headers = class {
    constructor(init) {
      this.fields = /* @__PURE__ */ new Map();
      Object.defineProperty(this, "fields", { enumerable: false });
      if (init === void 0 || init === null) return;
      const pairs = Symbol.iterator in init ? init : Object.entries(init);
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) {
      const known = this.fields.get(fieldName(name));
      this.fields.set(fieldName(name), known === void 0 ? fieldValue(value) : `${known}, ${fieldValue(value)}`);
    }
    delete(name) {
      this.fields.delete(fieldName(name));
    }
    get(name) {
      return this.fields.get(fieldName(name)) ?? null;
    }
    getSetCookie() {
      return this.fields.get("set-cookie")?.split(/, (?=[^;,\s]+=)/) ?? [];
    }
    has(name) {
      return this.fields.has(fieldName(name));
    }
    set(name, value) {
      this.fields.set(fieldName(name), fieldValue(value));
    }
    forEach(callback) {
      for (const [name, value] of this) callback(value, name, this);
    }
    entries() {
      return [...this.fields].sort(([a], [b]) => a < b ? -1 : 1)[Symbol.iterator]();
    }
    keys() {
      return [...this].map(([name]) => name)[Symbol.iterator]();
    }
    values() {
      return [...this].map(([, value]) => value)[Symbol.iterator]();
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  };
  function fieldName(name) {
    const text = String(name);
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(text)) throw new TypeError(`Invalid header name: ${stringify(text)}`);
    return text.toLowerCase();
  }
  function fieldValue(value) {
    const text = String(value).trim();
    if (/[\0\r\n]/.test(text)) throw new TypeError("Invalid header value: it contains a line break");
    return text;
  }
  var Body = class {
    constructor(content) {
      this.content = content;
      this.bodyUsed = false;
      Object.defineProperty(this, "content", { enumerable: false });
    }
    take() {
      const content = this.unread();
      this.bodyUsed = content !== void 0;
      return content ?? new Uint8Array(0);
    }
    unread() {
      if (this.bodyUsed) throw new TypeError("The body has been read already");
      return this.content;
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
  };
  function bodyBytes(body, headers) {
    if (body === void 0 || body === null) return void 0;
    if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body).slice();
    const form = body instanceof URLSearchParams;
    if (!headers.has("content-type")) {
      headers.set("content-type", form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8");
    }
    return host.encode(String(body));
  }
  var Request = class _Request extends Body {
    constructor(input, init = {}) {
      const from = input instanceof _Request ? input : void 0;
      const headers = new Headers(init.headers ?? from?.headers);
      const method = String(init.method ?? from?.method ?? "GET");
      const body = init.body ?? null;
      super(body === null ? from?.unread() : bodyBytes(body, headers));
      this.url = from?.url ?? absolute(String(input));
      this.method = /^(get|head|post|put|delete|options|patch)$/i.test(method) ? method.toUpperCase() : method;
      if (this.content !== void 0 && (this.method === "GET" || this.method === "HEAD")) {
        throw new TypeError("Request with GET/HEAD method cannot have body");
      }
      this.headers = headers;
      this.redirect = init.redirect ?? from?.redirect ?? "follow";
      this.signal = init.signal ?? from?.signal ?? new AbortSignal();
    }
    clone() {
      return new _Request(this);
    }
    start(ended) {
      const { method, url, redirect } = this;
      const op = begin(ended);
      const body = this.content === void 0 ? void 0 : this.take();
      host.fetch(op, stringify({ method, url, headers: [...this.headers], redirect }), body);
      return op;
    }
  };
  function absolute(input) {
    const text = host.url(input) || host.url(input, apiURL());
    if (text === "") throw new TypeError(`Invalid URL: ${input}`);
    return parse(text).href;
  }
  var Response = class _Response extends Body {
    constructor(body, init = {}) {
      const headers = new Headers(init.headers);
      super(bodyBytes(body, headers));
      this.type = "default";
      this.headers = headers;
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
      const onAbort = () => {
        if (forget(op)) host.cancel(op);
        reject(signal.reason ?? new DOMException("The operation was aborted.", "AbortError"));
      };
      const op = request.start((head, body) => {
        forget(op);
        signal.removeEventListener("abort", onAbort);
        const reply = parse(head);
        if (reply.error === void 0) resolve2(new Response(body, reply));
        else reject(Object.assign(new TypeError(reply.error), reply.code === void 0 ? {} : { code: reply.code }));
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  // src/fetchdata.ts
  function fetchData2(node, scope2) {
    const docs = requestOutputs("fetchData", ["pending", "result", "error", "requestHash"], node, scope2);
    let current;
    react(node, scope2, (reads) => {
      const { url, mode = "json", options = {} } = plainInputs(node.inputs, scope2, reads);
      const hash = host.refer(stringify({ url, mode, options }), "string");
      if (hash === current || url !== void 0 && hash === docs.requestHash.read()) return;
      current = hash;
      const put2 = (pending2, result, error) => {
        write(docs.pending.root, pending2);
        write(docs.result.root, result);
        write(docs.error.root, error);
      };
      if (url === void 0) {
        put2(false);
        return;
      }
      put2(true);
      const finish = (result, error, doneHash) => whenAtRest(() => {
        if (hash !== current) return;
        put2(false, result, error);
        if (doneHash !== void 0) write(docs.requestHash.root, doneHash);
        else current = void 0;
      });
      fetch(url, options).then((response) => mode === "json" ? response.json() : response.text()).then((result) => finish(result, void 0, hash), (error) => finish(void 0, error));
    });
  }
  function plainInputs(tree, scope2, reads) {
    if (tree instanceof Alias) return JSON.parse(stringify(inputValue(tree, scope2, reads) ?? {}));
    const value = (part) => {
      if (part instanceof Alias) {
        const seen = inputValue(part, scope2, reads);
        return isObject(seen) ? JSON.parse(stringify(seen)) : seen;
      }
      if (isArray(part)) return part.map(value);
      return isObject(part) ? mapObject(part, value) : part;
    };
    return value(tree);
  }

  // src/llm.ts
  function llm2(node, scope2) {
    const docs = requestOutputs("llm", ["pending", "result", "partial", "requestHash"], node, scope2);
    let current;
    react(node, scope2, (reads) => {
      const { system, prompt, messages = [], stop, max_tokens = 4096, model = "claude-3-5-sonnet" } = plainInputs(node.inputs, scope2, reads);
      if (system === void 0 || prompt === void 0 && messages.length === 0) {
        write(docs.pending.root, false);
        return;
      }
      const talk = prompt === void 0 ? messages : [...messages, prompt];
      const request = {
        messages: talk.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content })),
        system,
        stop,
        max_tokens,
        model,
        stream: true
      };
      const hash = host.refer(stringify(request), "string");
      if (hash === current || hash === docs.requestHash.read()) return;
      current = hash;
      write(docs.pending.root, true);
      write(docs.result.root, void 0);
      const finish = (result) => whenAtRest(() => {
        if (hash !== current) return;
        write(docs.pending.root, false);
        write(docs.result.root, result);
        write(docs.partial.root, result);
        if (result !== void 0) write(docs.requestHash.root, hash);
      });
      fetch(new URL("/api/ai/llm", apiURL()), { method: "POST", body: stringify(request) }).then(answerOf).then(finish, () => finish());
    });
  }
  async function answerOf(response) {
    const text = await response.text();
    if (!response.ok) throw new Error(`The model service answered ${response.status}`);
    if (response.headers.get("content-type") === "application/json") return parse(text).content;
    return text.split("\n").filter((line2) => line2 !== "").map((line2) => parse(line2)).join("");
  }
  function streamData2() {
    throw new Error("streamData is not available in the background: a run can't keep a connection open.");
  }

  // src/builtin.ts
  function react({ module, reads, writes }, scope2, body) {
    const source = { kind: "lift", code: react, label: String(module.implementation) };
    const action = new Action(source, writes.map((alias) => writeTarget(scope2.place(alias))), body);
    action.subscribe(scope2.readsOf(reads));
    scope2.add(action);
    schedule(action);
  }
  function outputDocument(scope2, cause) {
    const doc = ownDocument({}, cause);
    doc.adopt(scope2.process);
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
      const chosen2 = scope2.bind(inputValue(condition, scope2, reads) ? then : otherwise);
      if (stringify(chosen2) !== stringify(output.read())) replace(output.root, chosen2);
    });
  }
  function mapList(node, scope2) {
    const { list, op } = node.inputs;
    const graph2 = graphOf(op);
    const bound = scope2.bind(list);
    const output = outputDocument(scope2, { map: { "/": scope2.process.id }, op: graph2.id, cause: bound });
    scope2.output(node.outputs, linkTo(output.root));
    if (output.read() === void 0) write(output.root, []);
    const rows = [];
    react(node, scope2, (reads) => {
      const elements = inputValue(list, scope2, reads) ?? [];
      if (!isArray(elements)) throw new Error(`map needs an array, but was given a ${typeof elements}`);
      const place = list instanceof Alias ? writeTarget(scope2.place(list)) : void 0;
      for (const row of rows.splice(elements.length)) row.stop();
      for (let i = rows.length; i < elements.length; i++) {
        const argument = place === void 0 ? { element: elements[i], index: i, array: elements } : { element: linkTo(place.child(i)), index: i, array: linkTo(place) };
        const row = ownDocument({}, { result: linkTo(output.root), index: i });
        const instance = run(graph2, graph2.id, argument, row, scope2);
        instance.process.adopt(scope2.process);
        rows.push(instance);
        const links = output.read();
        if (i >= links.length) append(output.root, [linkTo(row.root)]);
      }
      if (output.read().length > elements.length) resize(output.root, elements.length);
    });
  }
  function navigateTo2() {
  }
  var builtins = { fetchData: fetchData2, ifElse: conditional2, llm: llm2, map: mapList, navigateTo: navigateTo2, streamData: streamData2 };
  function requestOutputs(name, fields, node, scope2) {
    const bound = scope2.bind(node.inputs);
    const docs = {};
    const links = {};
    for (const field of fields) {
      docs[field] = outputDocument(scope2, { [name]: { [field]: keys(bound).map((key) => bound[key]) } });
      links[field] = linkTo(docs[field].root);
    }
    scope2.output(node.outputs, links);
    return docs;
  }

  // src/code.ts
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
    const bound = scope2.bind(inputs);
    const handle = (event2) => {
      if (event2 === void 0 || event2 === null) {
        throw new TypeError(`Cannot read properties of ${event2} (reading 'preventDefault')`);
      }
      event2.preventDefault?.();
      const cause = once(() => ({ ...bound, [key]: uuid() }));
      const inputs2 = { ...bound, [key]: storedForm(place, event2) };
      const given = inputsDocument(inputs2, () => entityId(inputs2, cause()));
      const props = argumentAt(given.root, module, void 0);
      const frame = pushFrame(scope2, void 0, cause, true);
      return inFrame(
        frame,
        () => module.wrapper === "handler" ? code.call(props, props.$event, props) : code(props),
        (result) => void resultGraph(result, scope2, { resultFor: cause() })
      );
    };
    scope2.listen(place, { kind: "handler", code, label: String(place.key), handle });
  }
  function instantiateLift({ module, inputs, outputs, reads, writes }, scope2) {
    const code = module.implementation;
    const place = inputs instanceof Alias ? scope2.place(inputs) : inputsPlace(scope2.bind(inputs));
    const cause = once(() => ({ inputs: scope2.bind(inputs), outputs: scope2.bind(outputs), fn: code }));
    const label = writes.length > 0 ? String(writes[0].path.at(-1)) : "";
    const targets = writes.map((alias) => writeTarget(scope2.place(alias)));
    const action = new Action({ kind: "lift", code, label }, targets, (reads2) => {
      const argument = place && argumentAt(place, module, reads2);
      const frame = pushFrame(scope2, reads2, cause);
      return inFrame(frame, () => code(argument), (result) => {
        const graph2 = resultGraph(result, scope2, { resultFor: cause() });
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
      return result.then(done).then(() => popFrame(frame), (thrown) => {
        popFrame(frame);
        throw thrown;
      });
    } finally {
      if (!awaited) popFrame(frame);
    }
  }
  function resultGraph(result, scope2, cause) {
    let found2 = false;
    walkRefs(result, () => found2 = true);
    if (!found2) return void 0;
    const graph2 = graphOf(recipeFromFrame("result of a function", void 0, () => result));
    const doc = ownDocument({}, cause);
    run(graph2, graph2.id, void 0, doc, scope2);
    return doc;
  }
  function inputsDocument(inputs, id) {
    const doc = new Document(id).begin(inputs);
    doc.frozen = true;
    return doc;
  }
  function inputsPlace(inputs) {
    if (inputs === void 0) return void 0;
    return inputsDocument(inputs, () => entityId(isObject(inputs) ? inputs : { value: inputs }, { immutable: inputs })).root;
  }
  function argumentAt(place, { plan }, reads) {
    return plan === void 0 ? view(place, reads) : read(place, plan, reads);
  }
  function once(make) {
    let made;
    return () => made ??= make();
  }

  // src/run.ts
  var Scope = class {
    constructor(graph2, process, parent) {
      this.graph = graph2;
      this.process = process;
      this.parent = parent;
      this.actions = [];
      this.streams = [];
      this.inner = [];
      parent?.inner.push(this);
    }
    /** Where a captured cell is stored, if it belongs to this instance or one around it. */
    placeOf(root2, path2) {
      for (let scope2 = this; scope2 !== void 0; scope2 = scope2.parent) {
        if (scope2.graph === root2.owner) return scope2.process.root.at(root2.path).at(path2);
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
      if (tree instanceof Alias) return { $alias: this.aliasTarget(tree) };
      if (isArray(tree)) return tree.map((item) => this.bind(item));
      if (isObject(tree)) return mapObject(tree, (field) => this.bind(field));
      return tree;
    }
    aliasTarget(alias) {
      const { doc } = this.place(alias);
      return alias.target({ "/": doc.id });
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
    listen(place, handler2) {
      (place.handlers ??= []).push(handler2);
      this.streams.push({ place, handler: handler2 });
    }
    /** Writes what a node put out to where its outputs are bound. */
    output(binding, value) {
      if (binding instanceof Alias) write(this.place(binding), value);
      else if (isObject(binding)) {
        const fields = isObject(value) ? value : {};
        for (const key of keys(binding)) if (key in fields) this.output(binding[key], fields[key]);
      } else if (!is(binding, value)) throw new Error(`Got ${value} instead of ${binding}`);
    }
    stop() {
      for (const action of this.actions) action.stop();
      for (const { place, handler: handler2 } of this.streams) place.handlers = place.handlers?.filter((other) => other !== handler2);
      for (const scope2 of this.inner) scope2.stop();
      instances.delete(this.process);
    }
  };
  var instances = /* @__PURE__ */ new Map();
  function ownDocument(source, cause) {
    const doc = documentOf(entityId(source, cause));
    if (session.fresh && !doc.loaded) doc.begin(void 0);
    return doc;
  }
  function run(graph2, recipeId, argument, result, parent) {
    const process = processOf(result);
    instances.get(process)?.stop();
    const scope2 = new Scope(graph2, process, parent);
    instances.set(process, scope2);
    const stored = process.read();
    const before = isObject(stored) ? stored : void 0;
    const sameRecipe = before?.$TYPE === recipeId;
    const first = before?.argument === void 0;
    const internal = scope2.bind(graph2.initial.internal) ?? {};
    if (before === void 0) {
      write(process.root, { $TYPE: recipeId, resultRef: linkTo(result.root), internal });
    } else {
      if (!sameRecipe) write(process.root.child("$TYPE"), recipeId);
      const kept = isObject(before.internal) ? before.internal : {};
      for (const key of keys(internal)) {
        if (kept[key] === void 0) write(process.root.at(["internal", key]), internal[key]);
      }
    }
    const full = withDefaults(boundArgument(argument), graph2.argumentSchema, first);
    if (full !== void 0) write(process.root.child("argument"), full);
    if (!sameRecipe) replace(result.root, scope2.bind(graph2.result));
    for (const node of graph2.nodes) if (node.module.type === "recipe") instantiate(node, scope2);
    for (const node of graph2.nodes) if (node.module.type !== "recipe") instantiate(node, scope2);
    return scope2;
  }
  function processOf(result) {
    result.read();
    if (result.source === void 0) {
      result.adopt(ownDocument({}, { cell: { "/": result.id }, path: [] }));
    }
    return result.source;
  }
  function boundArgument(argument) {
    if (!isLink(argument)) return argument;
    const place = documentOf(argument.cell["/"]).root.at(argument.path);
    resolve(place);
    const { cell: cell2, path: path2 } = argument;
    if (!isObject(found) || isArray(found)) return { $alias: { cell: cell2, path: path2 } };
    return Object.fromEntries(keys(found).map((key) => [key, { $alias: { cell: cell2, path: [...path2, key] } }]));
  }
  function withDefaults(argument, schema2, first) {
    return first ? merged(argument, defaultsOf(schema2)) : argument;
  }
  function merged(value, defaults) {
    if (value === void 0) return defaults;
    if (!isMergeable(value) || !isMergeable(defaults)) return value;
    const out = { ...value };
    for (const key of keys(defaults)) out[key] = merged(value[key], defaults[key]);
    return out;
  }
  function isMergeable(value) {
    return isObject(value) && !isArray(value) && !isLink(value) && !isAlias(value) && !("$static" in value);
  }
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
    const result = ownDocument({}, {
      recipe: graph2.id,
      parent: { "/": scope2.process.id },
      inputBindings: argument,
      outputBindings: scope2.bind(outputs)
    });
    run(graph2, graph2.id, argument, result, scope2);
    scope2.output(outputs, linkTo(result.root));
  }

  // src/store.ts
  function saveChanges(roots) {
    const queue = /* @__PURE__ */ new Set();
    for (const doc of documents.values()) if (doc.dirty && (doc.stored || roots.includes(doc))) queue.add(doc);
    let saved = 0;
    for (const doc of queue) {
      if (doc.save()) saved++;
      if (doc.source !== void 0) include(doc.source, queue);
      linkedFrom(doc.value, queue);
    }
    return saved;
  }
  function linkedFrom(value, queue) {
    if (!isObject(value)) return;
    const cell2 = isAlias(value) ? value.$alias.cell : isLink(value) ? value.cell : void 0;
    if (cell2 !== void 0) {
      const doc = documents.get(cell2["/"]);
      if (doc !== void 0) include(doc, queue);
    } else if (isArray(value)) for (const item of value) linkedFrom(item, queue);
    else for (const key of keys(value)) linkedFrom(value[key], queue);
  }
  function include(doc, queue) {
    const made = doc.dirty || doc.value !== void 0 || doc.source !== void 0;
    if (doc.loaded && !doc.stored && made) queue.add(doc);
  }

  // src/web/clone.ts
  function structuredClone(value) {
    const done = /* @__PURE__ */ new Map();
    const clone = (value2) => {
      if (typeof value2 === "function" || typeof value2 === "symbol") {
        throw new DOMException(`A ${typeof value2} can't be cloned`, "DataCloneError");
      }
      if (!isObject(value2)) return value2;
      if (done.has(value2)) return done.get(value2);
      const keep = (copy2) => {
        done.set(value2, copy2);
        return copy2;
      };
      if (value2 instanceof Date) return keep(/* @__PURE__ */ new Date(+value2));
      if (value2 instanceof RegExp) return keep(new RegExp(value2.source, value2.flags));
      if (value2 instanceof ArrayBuffer) return keep(value2.slice(0));
      if (ArrayBuffer.isView(value2)) return keep(value2.slice());
      if (value2 instanceof Map) {
        const copy2 = keep(/* @__PURE__ */ new Map());
        for (const [key, part] of value2) copy2.set(clone(key), clone(part));
        return copy2;
      }
      if (value2 instanceof Set) {
        const copy2 = keep(/* @__PURE__ */ new Set());
        for (const part of value2) copy2.add(clone(part));
        return copy2;
      }
      const copy = keep(isArray(value2) ? new Array(value2.length) : value2 instanceof Error ? errorLike(value2) : {});
      for (const key of keys(value2)) copy[key] = clone(value2[key]);
      return copy;
    };
    return clone(value);
  }
  function errorLike(error) {
    const copy = new Error(error.message);
    Object.defineProperty(copy, "name", { value: error.name, configurable: true, writable: true });
    Object.defineProperty(copy, "stack", { value: error.stack, configurable: true, writable: true });
    return copy;
  }

  // src/web/console.ts
  var deepest3 = 4;
  var indent = "";
  function line(level, args) {
    host.log(level, indent + args.map((arg) => typeof arg === "string" ? arg : inspect(arg, 0)).join(" "));
  }
  function inspect(value, depth) {
    if (typeof value === "string") return stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
    if (!isObject(value)) return String(value);
    if (value instanceof Error) return `${value.name}: ${value.message}${value.stack ? "\n" + value.stack.trimEnd() : ""}`;
    if (value instanceof Date) return isNaN(+value) ? "Invalid Date" : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (depth >= deepest3) return isArray(value) ? "[…]" : "{…}";
    const inner = (part) => inspect(part, depth + 1);
    if (isArray(value)) return `[${value.map(inner).join(", ")}]`;
    if (value instanceof Set) return `Set {${[...value].map(inner).join(", ")}}`;
    if (value instanceof Map) return `Map {${[...value].map(([key, part]) => `${inner(key)} => ${inner(part)}`).join(", ")}}`;
    const fields = keys(value).map((key) => `${/^[\w$]+$/.test(key) ? key : stringify(key)}: ${inner(value[key])}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  var counts = /* @__PURE__ */ new Map();
  var started = /* @__PURE__ */ new Map();
  var console = {
    log: (...args) => line("log", args),
    info: (...args) => line("info", args),
    debug: (...args) => line("debug", args),
    warn: (...args) => line("warn", args),
    error: (...args) => line("error", args),
    trace: (...args) => line("debug", [...args, "\n" + new Error().stack]),
    dir: (value) => line("log", [value]),
    table: (value) => line("log", [value]),
    assert: (holds, ...args) => holds || line("error", ["Assertion failed:", ...args]),
    group: (...args) => {
      line("log", args);
      indent += "  ";
    },
    groupEnd: () => void (indent = indent.slice(2)),
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      line("log", [`${label}: ${counts.get(label)}`]);
    },
    time: (label = "default") => void started.set(label, host.now()),
    timeEnd: (label = "default") => line("log", [`${label}: ${host.now() - (started.get(label) ?? host.now())} ms`])
  };

  // src/web/date.ts
  function VirtualDate(...args) {
    const target = new.target;
    if (target === void 0) return new NativeDate(host.now()).toString();
    return Reflect.construct(NativeDate, args.length === 0 ? [host.now()] : args, target);
  }
  Object.defineProperties(VirtualDate, {
    prototype: { value: NativeDate.prototype, writable: false },
    length: { value: 7 },
    name: { value: "Date" },
    now: { value: () => Math.floor(host.now()), writable: true, configurable: true },
    parse: { value: NativeDate.parse, writable: true, configurable: true },
    UTC: { value: NativeDate.UTC, writable: true, configurable: true }
  });
  Object.defineProperty(NativeDate.prototype, "constructor", { value: VirtualDate, writable: true, configurable: true });
  var origin;
  var performance = {
    get timeOrigin() {
      return origin ??= host.now();
    },
    now() {
      return host.now() - performance.timeOrigin;
    }
  };

  // src/web/selector.ts
  var token = /\s*([>+~,])\s*|\s+|(\*|(?:[\w-]|[^\x00-\x7f]|\\.)+(?:\|(?:[\w-]|\\.)+)?)|#((?:[\w-]|\\.)+)|\.((?:[\w-]|\\.)+)|\[\s*([\w:-]+)\s*(?:([~|^$*]?=)\s*(?:"([^"]*)"|'([^']*)'|([^\]\s]+))\s*)?\]|:([\w-]+)(?:\(([^()]*)\))?/y;
  function parseSelector(text) {
    const selectors = [];
    const source = text.trim();
    let at = { tests: [], combinator: "", left: void 0 };
    token.lastIndex = 0;
    while (token.lastIndex < source.length) {
      const found2 = token.exec(source);
      if (found2 === null) throw new DOMException(`'${text}' is not a valid selector`, "SyntaxError");
      const [, combinator, name, id, className, attribute, operator, double, single, bare, pseudo, argument] = found2;
      const test = name !== void 0 ? nameTest(unescaped(name)) : id !== void 0 ? (element) => element.id === unescaped(id) : className !== void 0 ? (element) => element.classList.contains(unescaped(className)) : attribute !== void 0 ? attributeTest(attribute, operator, double ?? single ?? bare ?? "") : pseudo !== void 0 ? pseudoTest(pseudo, argument, text) : void 0;
      if (test !== void 0) at.tests.push(test);
      else if (combinator === ",") {
        selectors.push(at);
        at = { tests: [], combinator: "", left: void 0 };
      } else at = { tests: [], combinator: combinator ?? " ", left: at };
    }
    selectors.push(at);
    if (selectors.some((selector) => selector.tests.length === 0)) {
      throw new DOMException(`'${text}' is not a valid selector`, "SyntaxError");
    }
    return selectors;
  }
  function matches({ tests, combinator, left }, element) {
    if (!tests.every((test) => test(element))) return false;
    if (left === void 0) return true;
    const step = (at) => combinator === "+" || combinator === "~" ? at.previousElementSibling : at.parentElement;
    for (let at = step(element); at !== null; at = step(at)) {
      if (matches(left, at)) return true;
      if (combinator === ">" || combinator === "+") return false;
    }
    return false;
  }
  function unescaped(name) {
    return name.replace(/\\(.)/g, "$1");
  }
  function nameTest(name) {
    if (name === "*") return () => true;
    const qualified = name.replace("|", ":");
    return (element) => element.localName === name || element.named(qualified);
  }
  function attributeTest(name, operator, wanted) {
    const check = {
      "=": (value) => value === wanted,
      "~=": (value) => value.split(/\s+/).includes(wanted),
      "|=": (value) => value === wanted || value.startsWith(wanted + "-"),
      "^=": (value) => wanted !== "" && value.startsWith(wanted),
      "$=": (value) => wanted !== "" && value.endsWith(wanted),
      "*=": (value) => wanted !== "" && value.includes(wanted)
    };
    return (element) => {
      const value = element.getAttribute(name);
      return value !== null && (operator === void 0 || check[operator](value));
    };
  }
  function pseudoTest(name, argument, text) {
    switch (name) {
      case "first-child":
        return (element) => element.previousElementSibling === null;
      case "last-child":
        return (element) => element.nextElementSibling === null;
      case "only-child":
        return (element) => element.previousElementSibling === null && element.nextElementSibling === null;
      case "empty":
        return (element) => element.childNodes.length === 0;
      case "nth-child": {
        const position = Number(argument);
        return (element) => element.parentNode.children.indexOf(element) + 1 === position;
      }
      case "not": {
        const inner = parseNested(argument ?? "");
        return (element) => !inner.some((selector) => matches(selector, element));
      }
      default:
        throw new DOMException(`':${name}' in '${text}' is not supported`, "SyntaxError");
    }
  }
  function parseNested(text) {
    const { lastIndex } = token;
    const inner = parseSelector(text);
    token.lastIndex = lastIndex;
    return inner;
  }

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
      return this.childNodes.map((node) => node instanceof Comment ? "" : node.textContent).join("");
    }
    get nodeValue() {
      return null;
    }
    get firstChild() {
      return this.childNodes[0] ?? null;
    }
    get lastChild() {
      return this.childNodes.at(-1) ?? null;
    }
    get nextSibling() {
      return this.sibling(1);
    }
    get previousSibling() {
      return this.sibling(-1);
    }
    sibling(step) {
      const around = this.parentNode?.childNodes ?? [];
      return around[around.indexOf(this) + step] ?? null;
    }
  };
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
    get nodeValue() {
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
    get childElementCount() {
      return this.children.length;
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
      const wanted = names.split(/\s+/).filter(Boolean);
      return this.collect((element) => wanted.every((name) => element.classList.contains(name)));
    }
    querySelectorAll(text) {
      const selectors = parseSelector(text);
      return this.collect((element) => anyMatches(selectors, element));
    }
    querySelector(text) {
      const selectors = parseSelector(text);
      return this.collect((element) => anyMatches(selectors, element), 1)[0] ?? null;
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
  function anyMatches(selectors, element) {
    return selectors.some((selector) => matches(selector, element));
  }
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
    /** Whether this is the qualified name of the element. */
    named(name) {
      return this.nodeName === (this.html ? name.toUpperCase() : name);
    }
    get id() {
      return this.values.get("id") ?? "";
    }
    get className() {
      return this.values.get("class") ?? "";
    }
    get classList() {
      const names = this.className.split(/\s+/);
      return { contains: (name) => names.includes(name) };
    }
    get attributes() {
      return [...this.values].map(([name, value]) => ({ name, value }));
    }
    getAttribute(name) {
      return this.values.get(this.html ? name.toLowerCase() : name) ?? null;
    }
    hasAttribute(name) {
      return this.getAttribute(name) !== null;
    }
    getAttributeNames() {
      return [...this.values.keys()];
    }
    get nextElementSibling() {
      return this.siblingElement(1);
    }
    get previousElementSibling() {
      return this.siblingElement(-1);
    }
    matches(text) {
      return anyMatches(parseSelector(text), this);
    }
    closest(text) {
      for (let at = this; at !== null; at = at.parentElement) if (at.matches(text)) return at;
      return null;
    }
    get innerHTML() {
      return this.childNodes.map(serialize).join("");
    }
    get outerHTML() {
      return serialize(this);
    }
    get innerText() {
      return this.textContent;
    }
    siblingElement(step) {
      const around = this.parentNode.children;
      return around[around.indexOf(this) + step] ?? null;
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
    get textContent() {
      return "";
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
    return `<${name}${attributes}>${node.childNodes.map(serialize).join("")}</${name}>`;
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
    Event,
    EventTarget,
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
    const errors = Error;
    errors.captureStackTrace ??= () => {
    };
    errors.stackTraceLimit ??= 10;
  }

  // src/main.ts
  var graph;
  var loadError = {
    name: "Error",
    message: "The recipe's top-level await is never settled.",
    stack: ""
  };
  var task;
  var handled = false;
  function define(code) {
    const module = { exports: {} };
    code(require2, module.exports, module).then(
      () => {
        graph = graphOf(module.exports.default);
        loadError = graph === void 0 ? { name: "Error", message: "No default recipe found in the compiled exports.", stack: "" } : void 0;
        if (graph !== void 0) nameGraphs(graph);
      },
      (thrown) => loadError = describeThrown(thrown)
    );
  }
  function nameGraphs(graph2) {
    for (const { module, inputs } of graph2.nodes) {
      for (const value of [module.implementation, inputs?.op]) {
        const inner = graphOf(value);
        if (inner === void 0) continue;
        void inner.id;
        nameGraphs(inner);
      }
    }
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
      const cast = task.mode === "cast";
      session.space = task.space;
      session.fresh = cast;
      const result = documentOf(task.charm);
      const process = documentOf(task.process);
      if (cast) {
        process.begin(void 0);
        result.begin(void 0);
      }
      result.adopt(process);
      run(graph, task.recipe, cast ? task.argument ?? {} : void 0, result);
      if (cast) handled = true;
      else whenAtRest(() => handled = sendEvent(result.root.at(task.stream ?? []), task.event));
    },
    settle(op, head, body) {
      settle2(op, head, body instanceof Uint8Array ? body : new Uint8Array(body ?? new ArrayBuffer(0)));
    },
    finish() {
      const result = documentOf(task.charm).root;
      return stringify({
        handled,
        updater: isUpdatable(result),
        name: nameOf(result),
        integration: integrationOf(result),
        again: session.again,
        stuck: running === void 0 ? null : { what: running.kind, ...whereIs(running) },
        failures,
        changed: saveChanges([result.doc, documentOf(task.process)])
      });
    }
  };
  installGlobals();
  Object.assign(globalThis, { __charmd: root, __charmd_define: define });
})();
