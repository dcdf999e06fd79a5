package charm

import "time"

// Request is one request of a run, as the ledger keeps it: where it went and how
// it ended, without anything that may be a secret.
type Request struct {
	At       time.Time `json:"at"` // when it was asked for
	Method   string    `json:"method"`
	URL      string    `json:"url"`               // as asked for, without user info, fragment and query values
	Host     string    `json:"host"`              // of the last hop, with the port when it is not the usual one
	Via      []string  `json:"via,omitempty"`     // hosts of the hops before it, in order
	Address  string    `json:"address,omitempty"` // of the last connection; "" when there was none
	Proxy    string    `json:"proxy,omitempty"`   // that the last connection went through; Address is its own for plain HTTP
	Status   int       `json:"status,omitempty"`  // of the last reply; 0 when there was none
	Verdict  string    `json:"verdict"`           // sent, local, refused, limited, failed, canceled, held_off
	BytesIn  int64     `json:"bytesIn"`           // of reply bodies, after decompression
	BytesOut int64     `json:"bytesOut"`          // of request bodies
	TookMs   float64   `json:"tookMs"`
	Error    string    `json:"error,omitempty"` // why there was no reply
}
