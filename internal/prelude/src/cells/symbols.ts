// The symbols by which values made by this runtime are told from plain data.

/** Property with which a recipe says that an object is a document of its own, and which one (runtime spec §3.6). */
export const ID: unique symbol = Symbol("ID, unique to the context");
/** Like ID, but names the field that tells which of the neighbouring documents the object is. */
export const ID_FIELD: unique symbol = Symbol("ID_FIELD, name of the field that holds the id");

/** Views, cells and streams answer the place that they stand for. */
export const PLACE: unique symbol = Symbol("place");
/** Views answer their link, cells theirs with the space in it: what is stored in their stead. */
export const LINK: unique symbol = Symbol("link");
/** Opaque refs answer what is behind them. */
export const REF: unique symbol = Symbol("ref");
/** Recipes answer their graph. */
export const GRAPH: unique symbol = Symbol("graph");
