package runcharm_test

// difference says why a case is not as recorded, and what is expected in the stead of a field; an
// empty text means that the field is not compared.
type difference struct {
	why     string
	instead map[string]string
	whole   bool // instead is all that is compared
}

// differences are the cases that are not as recorded, on purpose.
var differences = map[string]difference{
	"frame-leak-after-throw-changes-push": {
		why: "defect 2: here a frame ends when its function throws, so a later detached push is detached",
		instead: map[string]string{"process": `{"$TYPE":"<recipeId>","resultRef":{"cell":{"/":"<charm>"},"path":[]},
			"internal":{"l":[{"t":"one"}],"bgUpdater":{"$stream":true}},"argument":{}}`},
	},
	"globals-present": {
		why: "nothing of the original's host is there: no Deno, location, process, WebSocket, Worker",
		instead: map[string]string{"result": `{"g":"DOMParser,fetch,atob,btoa,setTimeout,clearTimeout,setInterval,queueMicrotask,` +
			`crypto,URL,URLSearchParams,TextDecoder,TextEncoder,Headers,Request,Response,AbortController,structuredClone,` +
			`performance,console,require"}`},
	},
	"handler-sync-throw": {
		why:     "a run whose handler throws writes nothing, so that a retry does nothing twice",
		instead: map[string]string{"result": `{"n":12,"bgUpdater":{"$stream":true}}`},
	},
	"handler-detached-promise-not-awaited": {
		why:     "defect 4: a run ends only when nothing is outstanding, so detached work is part of it",
		instead: map[string]string{"snapshots": `{"afterIdle":{"n":2,"bgUpdater":{"$stream":true}}}`},
	},
	"handler-async-rejection": {
		why:     "as handler-sync-throw",
		instead: map[string]string{"result": "", "process": ""},
	},
	"handler-schema-array-without-items-gives-raw-array": {
		why:     "defect 18: a list whose schema has no items is a view, so a change is a write",
		instead: map[string]string{"result": "", "process": ""},
	},
	"ifElse-primitives-fail": {
		why:     "defect 15: a branch may be anything",
		instead: map[string]string{"hang": "", "errors": "[]"},
	},
	"import-not-allowed": {
		why:     "the sleep that recipes of the time import exists here",
		instead: map[string]string{"compileError": "", "compileDetail": "", "result": `{}`, "errors": `[]`},
	},
	"initial-values-shared-between-instances": {
		why: "defect 13: every instance has initial values of its own",
		instead: map[string]string{"secondResult": `{"l":[],"bgUpdater":{"$stream":true}}`, "recipe": `{
			"argumentSchema":{"type":"object","properties":{},"description":"Sh"},"resultSchema":{},
			"initial":{"internal":{"l":[],"bgUpdater":{"$stream":true}}},
			"result":{"l":{"$alias":{"path":["internal","l"]}},"bgUpdater":{"$alias":{"path":["internal","bgUpdater"]}}},
			"nodes":[{"module":{"type":"javascript","implementation":"(e, s) => { s.l.push(e.x); }","wrapper":"handler"},
				"inputs":{"l":{"$alias":{"path":["internal","l"]}},"$event":{"$alias":{"path":["internal","bgUpdater"]}}},"outputs":{}}]}`},
	},
	"lift-error-values-without-idle": {
		why:     "defect 3: a lift that failed runs again only when something that it read has changed",
		instead: map[string]string{"errors": `["bad 1"]`},
	},
	"llm-request": {
		why:     "defect 16: the model service is the toolshed's",
		instead: map[string]string{"fetches": `[{"url":"/api/ai/llm","method":"POST"}]`},
	},
	"navigateTo-unregistered": {
		why:     "there is no page to leave, and the recipe does its other work",
		instead: map[string]string{"errors": "[]"},
		whole:   true,
	},
	"nested-recipe-node": {
		why: "the id of a recipe without a source is a reference of its graph, but not the same one",
		instead: map[string]string{"docs": `{
			"<doc1>":{"value":{"sq":{"$alias":{"path":["internal","sq"],"cell":{"/":"<doc2>"}}}},"source":{"/":"<doc2>"}},
			"<doc2>":{"value":{"$TYPE":"<doc3>","resultRef":{"cell":{"/":"<doc1>"},"path":[]},"internal":{"sq":25},
				"argument":{"x":{"$alias":{"path":["argument","v"],"cell":{"/":"<process>"}}}}}}}`},
	},
	"proxy-delete-is-not-tracked": {
		why: "defect 18: delete is a write like any other",
		instead: map[string]string{
			"result": `{"o":{"m":2},"keys":"m","bgUpdater":{"$stream":true}}`,
			"process": `{"$TYPE":"<recipeId>","resultRef":{"cell":{"/":"<charm>"},"path":[]},
				"internal":{"o":{"m":2},"bgUpdater":{"$stream":true},"keys":"m"},"argument":{}}`,
		},
	},
	"reload-map-creates-new-docs-once": {
		why: "defect 14: the documents of rows have the ids that the original comes to after its first reload",
		instead: map[string]string{"reload": `{"afterLoad":{"m":[{"v":"a!"},{"v":"b!"}]},"result":{"m":[{"v":"a!"},{"v":"b!"}]},
			"logs":[],"loadLogs":[],"errors":[],"docCount":11}`},
	},
	"syntax-error": {
		why:     "another compiler says it in other words",
		instead: map[string]string{"compileError": `"Unexpected \")\""`, "compileDetail": ""},
	},
	"tuple-destructuring": {
		why: "as defect 13: a run does not change the recipe's initial values",
		instead: map[string]string{"recipe": `{
			"argumentSchema":{"type":"object","properties":{},"description":"T"},"resultSchema":{},"initial":{"internal":{"__#0":[]}},
			"result":{"a":{"$alias":{"path":["internal","__#0",0]}},"b":{"$alias":{"path":["internal","__#0",1]}}},
			"nodes":[{"module":{"type":"javascript","implementation":"(n) => [n, n + 1]"},
				"inputs":{"$alias":{"path":["argument","v"]}},"outputs":{"$alias":{"path":["internal","__#0"]}}}]}`},
	},
	"write-unbound-state-prop-readonly": {
		why:     "as handler-sync-throw",
		instead: map[string]string{"result": "", "process": ""},
	},
}
