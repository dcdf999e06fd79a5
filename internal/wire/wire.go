// Package wire is the language between the service and its worker processes:
// the messages, their frames on the pipe, and the limits that both sides check
// before they believe anything. It exists as a package of its own because the
// worker's bytes are hostile once recipe code has run there: everything here
// decodes with a size and a depth limit, allocates only for what has arrived,
// and refuses what it does not know.
//
// A frame is
//
//	u32 length | u8 type | u32 head length | head (JSON object) | body (bytes)
//
// with big-endian numbers; length counts everything after itself. Documents and
// other large texts travel in the body, so they are never quoted as JSON.
package wire

import "charmd/internal/charm"

// Version is spoken by both sides or by none: a worker is the same executable as
// its parent, so there is nothing to negotiate and any difference is an error.
const Version = 1

// The limits of single parts of a message.
const (
	MaxIDBytes    = 1024     // of a document id, and of a file's name in a compile request
	MaxIDs        = 4096     // asked for in one Need
	MaxHeadBytes  = 24 << 20 // of the JSON head of the largest kind of frame
	MaxErrors     = 100      // of one compilation
	MaxMemoBytes  = 4 << 20  // of what a run leaves for the next
	MaxStale      = 4096     // documents changed by others that a task names
	MaxStackBytes = 16 << 10 // of one failure's stack
)

// Side is an end of the pipe.
type Side uint8

// The two ends.
const (
	Parent Side = iota
	Child
)

// String is the side's name.
func (s Side) String() string {
	if s == Parent {
		return "service"
	}
	return "worker"
}

// Type is the first byte of a frame's content.
type Type uint8

// The frame types, from the parent and from the child.
const (
	typeTask Type = iota + 1
	typeDocuments
	typeCode
	typeReply
	typeCompile
)
const (
	typeHello Type = iota + 0x41
	typeNeed
	typeNeedCode
	typeFetch
	typeCancel
	typeLog
	typeResult
	typeCompiled
)

// Message is the content of one frame: a pointer to one of the message structs.
type Message interface {
	Type() Type
}

// kind is what is known of a frame type before its content is looked at.
type kind struct {
	name    string
	from    Side
	maxHead int // bytes of JSON
	maxBody int // bytes
	blank   func() Message
}

// packedSlack is room for the ids and lengths beside the texts of a packed body.
const packedSlack = 1 << 20

var kinds = map[Type]kind{
	typeTask:      {"task", Parent, MaxHeadBytes, charm.MaxDocumentBytes + charm.MaxReplyBytes + packedSlack, func() Message { return new(Task) }},
	typeDocuments: {"documents", Parent, 64 << 10, charm.MaxDocumentBytes + charm.MaxReplyBytes + packedSlack, func() Message { return new(Documents) }},
	typeCode:      {"code", Parent, 64 << 10, maxProgramBytes, func() Message { return new(Code) }},
	typeReply:     {"reply", Parent, 1 << 20, maxReplyBody, func() Message { return new(Reply) }},
	typeCompile:   {"compile", Parent, 64 << 10, charm.MaxSourceBytes + packedSlack, func() Message { return new(CompileRequest) }},
	typeHello:     {"hello", Child, 64 << 10, 0, func() Message { return new(Hello) }},
	typeNeed:      {"need", Child, MaxIDs * 72, 0, func() Message { return new(Need) }},
	typeNeedCode:  {"need code", Child, 64 << 10, 0, func() Message { return new(NeedCode) }},
	typeFetch:     {"fetch", Child, 1 << 20, maxRequestBody, func() Message { return new(Fetch) }},
	typeCancel:    {"cancel", Child, 1 << 10, 0, func() Message { return new(Cancel) }},
	typeLog:       {"log", Child, 1 << 20, 0, func() Message { return new(Log) }},
	typeResult:    {"result", Child, MaxHeadBytes / 4, charm.MaxChangesetBytes + packedSlack, func() Message { return new(Result) }},
	typeCompiled:  {"compiled", Child, 4 << 20, 3*maxProgramBytes + packedSlack, func() Message { return new(Compiled) }},
}

// Sizes of bodies that no shared limit names.
const (
	maxProgramBytes = 8 * charm.MaxSourceBytes // compiled code grows by its comments, helpers and names
	maxReplyBody    = 32 << 20                 // of one HTTP reply
	maxRequestBody  = 16 << 20                 // of one HTTP request
)

// Type is the frame type of the message, here and below.
func (*Task) Type() Type           { return typeTask }
func (*Documents) Type() Type      { return typeDocuments }
func (*Code) Type() Type           { return typeCode }
func (*Reply) Type() Type          { return typeReply }
func (*CompileRequest) Type() Type { return typeCompile }
func (*Hello) Type() Type          { return typeHello }
func (*Need) Type() Type           { return typeNeed }
func (*NeedCode) Type() Type       { return typeNeedCode }
func (*Fetch) Type() Type          { return typeFetch }
func (*Cancel) Type() Type         { return typeCancel }
func (*Log) Type() Type            { return typeLog }
func (*Result) Type() Type         { return typeResult }
func (*Compiled) Type() Type       { return typeCompiled }
