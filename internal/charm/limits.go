package charm

import "time"

// The limits of the service, each named with its unit. Exceeding one is a typed
// outcome or error, never an endless wait or an endless growth.
const (
	MaxDepth           = 512              // nesting of any decoded input
	MaxSourceBytes     = 1 << 20          // of one recipe, all its files together
	MaxLogBytes        = 64 << 10         // of console output kept of one run
	MaxErrorBytes      = 4 << 10          // of an error message kept of one run
	MaxLedgerBytes     = 256 << 10        // of the requests kept of one run
	MaxDocumentBytes   = 16 << 20         // of one stored document
	MaxChangesetBytes  = 64 << 20         // of one run's changes
	MaxBlobBytes       = 4 << 20          // of one blob
	MaxBlobs           = 10_000           // blobs there may be
	MaxBlobsBytes      = 256 << 20        // of all blobs together
	MaxSpaceFileBytes  = 128 << 20        // of an exported space that is imported
	MaxReplyBytes      = 4 << 20          // of documents sent to a worker at once
	MaxFrameBytes      = 80 << 20         // of one message between service and worker
	MaxRequestsPerRun  = 1000             // through egress
	MaxDocumentsPerRun = 50_000           // looked at, those that do not exist included
	MaxRecordingBytes  = 1 << 20          // of replies kept to make one run again
	MaxPages           = 1000             // runs in a row that ask for the next page
	MaxConflicts       = 3                // re-runs before other writers are held back
	MaxHold            = 2 * time.Second  // writers held back by one run
	MaxTimeout         = 10 * time.Minute // of one run
	MinEvery           = time.Second
	MaxNameBytes       = 200 // of a charm's or a space's name
	MaxPriority        = 100 // and as far below zero
	KeepRuns           = 200 // run records kept of a charm
	KeepRunsFor        = 30 * 24 * time.Hour
	KeepRecasts        = 10  // recipes that a charm had before and can go back to
	KeepProblems       = 50  // different errors kept of a charm
	KeepVersions       = 100 // superseded versions kept of a fact
	KeepVersionsFor    = 7 * 24 * time.Hour
	KeepStatsFor       = 90 * 24 * time.Hour // the figures of an hour
	KeepMinutesFor     = 25 * time.Hour      // the figures of a minute
	KeepProgramsFor    = 7 * 24 * time.Hour  // what was compiled of a recipe that no charm uses
	FirstProbe         = 5 * time.Minute
	MaxProbe           = 24 * time.Hour
	MaxUncleanStops    = 3
	MaxWait            = 5 * time.Minute // after which a due job counts as one of the highest priority
	MaxBackoff         = 30 * time.Second
	FirstBackoff       = time.Second
	StatusWrites       = 50               // registry status documents written a second
	LastRunWriteEvery  = time.Minute      // of one charm's lastRun in the registry
	LeaseSlack         = 30 * time.Second // a lease outlives timeout and grace by this
	CronSpread         = 30 * time.Second // a run by cron starts less than this after its minute
	MaxCronBytes       = 200              // of a cron expression
	MaxPostponed       = 24 * time.Hour   // after the end of a run, because a host asked for it
	WorkerRunLimit     = 10_000           // runs before a worker process is replaced
	DefaultWorkerArena = 128 << 20        // bytes of the VM's memory

	MaxHTTPConnections   = 4096             // of the service, those below included
	MaxHTTPStreams       = 100              // requests under way on one connection of HTTP/2
	MaxOpenPages         = 500              // of charms, kept up to date in browsers
	MaxConnections       = 2048             // WebSockets of the memory server
	MaxStrangers         = 256              // of those, by which no signed request has come yet
	SignWithin           = 30 * time.Second // the first signed request must begin to come
	MaxConnectionWatches = 50_000           // pairs of of and the that one connection subscribes to
	MaxWatches           = 500_000          // of all connections
	MaxQueuedBytes       = 32 << 20         // of effects that wait for one connection
	MaxSkew              = 24 * time.Hour   // between a client's clock, or its queue, and ours
)
