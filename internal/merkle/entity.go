package merkle

import (
	"strconv"

	"charmd/internal/jsontext"
)

// The documents every space has, by their causes (charm-runtime spec §3.2).
var (
	Charms             = EntityID(nil, "charms")
	Pinned             = EntityID(nil, "pinned-charms")
	Trash              = EntityID(nil, "trash")
	BackgroundRegistry = EntityID(nil, "bgUpdater-2025-03-18") // in the system space
)

// EntityID returns the id of the document made for a value and a cause
// (createRef, memory spec §8.1). source is an object, an array (its indices
// are then the keys) or, for a document that has no value yet, nil; any other
// value v stands for {"value": v}. A document without a cause gets a random
// one: give a new UUID then. Both are JSON values that may hold a Ref, which
// is a reference only when computed in this process: ids read back from
// storage are {"/":…} objects and give another id.
//
// Values that occur a second time count as null, as in the original.
func EntityID(source, cause any) Ref {
	whole := jsontext.NewObject()
	switch source := source.(type) {
	case nil:
	case *jsontext.Object:
		for key, v := range source.All() {
			whole.Set(key, v)
		}
	case []any:
		for i, v := range source {
			whole.Set(strconv.Itoa(i), v)
		}
	default:
		whole.Set("value", source)
	}
	whole.Set("causal", cause)
	return Refer(seen{}.clean(whole))
}

// ProcessID returns the id of the process document of a charm, whose own id is
// that of its result document.
func ProcessID(charm Ref) Ref {
	cause := jsontext.NewObject()
	cause.Set("cell", charm.JSON())
	cause.Set("path", []any{})
	return EntityID(nil, cause)
}
