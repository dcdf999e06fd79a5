-- Times are milliseconds since 1970 and durations microseconds; 0 means none.

create table space (
	row     integer primary key autoincrement,
	did     text    not null unique,
	name    text    not null,
	created integer not null,
	since   integer not null default -1,
	ref     blob -- of the last commit
) strict;

-- A space is found by its name.
create unique index space_name on space (name) where name <> '';

-- One row for each (of, the) ever written in a space: where its history begins,
-- and which fact is the current one. id is the row of its first fact.
create table memory (
	space integer not null references space,
	of    text    not null,
	the   text    not null,
	id    integer not null,
	head  integer not null, -- row of the current fact
	born  integer not null, -- number of the commit that first wrote it
	primary key (space, of, the)
) strict, without rowid;

-- History, appended only. value stands last so that reading the rest of a row
-- need not follow the pages of a large one.
create table fact (
	row    integer primary key,
	memory integer not null,
	since  integer not null,
	at     integer not null,
	ref    blob    not null,
	cause  blob    not null,
	value  blob -- null: a retraction
) strict;

-- The state of a memory after a commit, and what retention may take of it.
create index fact_history on fact (memory, since);

-- The log of every space. It is kept for ever, so a row holds no more than
-- what chains the commits.
create table log (
	space integer not null,
	since integer not null,
	at    integer not null,
	ref   blob    not null,
	primary key (space, since)
) strict, without rowid;

-- The transactions of the newest commits.
create table payload (
	row   integer primary key,
	space integer not null,
	since integer not null,
	at    integer not null,
	body  blob    not null
) strict;

create unique index payload_commit on payload (space, since);

create table charm (
	row         integer primary key autoincrement,
	space       integer not null references space,
	id          text    not null,
	name        text    not null,
	recipe      text    not null,
	integration text    not null,
	every       integer not null,
	cron        text    not null,
	zone        text    not null,
	timeout     integer not null,
	priority    integer not null,
	allow_hosts text    not null, -- a JSON list
	probe_never integer not null,
	registered  integer not null,
	created     integer not null,
	updated     integer not null,
	unique (space, id)
) strict;

-- People name a charm SPACE/NAME.
create unique index charm_name on charm (space, name) where name <> '';

create table state (
	charm           integer primary key references charm on delete cascade,
	executions      integer not null,
	successes       integer not null,
	failures        integer not null,
	consecutive     integer not null,
	last_run        text    not null,
	last_outcome    text    not null,
	last_executed   integer not null,
	last_error      text    not null,
	last_error_code text    not null,
	last_error_at   integer not null,
	min_time        integer not null,
	max_time        integer not null,
	sum_time        integer not null,
	last_time       integer not null,
	next_run        integer not null,
	disabled        integer not null,
	disabled_by     text    not null,
	disabled_reason text    not null,
	disabled_at     integer not null,
	next_try        integer not null,
	probe_wait      integer not null,
	unclean_stops   integer not null,
	waiting         text    not null
) strict;

create table job (
	id        text    primary key,
	charm     integer references charm on delete cascade, -- null for maintenance
	type      text    not null,
	task      text    not null,
	reason    text    not null,
	priority  integer not null,
	due       integer not null,
	attempt   integer not null,
	status    text    not null,
	run       text    not null,
	epoch     integer not null,
	lease_end integer not null,
	once      integer not null,
	follow_up text not null,
	pages     integer not null,
	created   integer not null,
	claimed   integer not null
) strict, without rowid;

-- The live jobs of a charm; also what its deletion takes along.
create index job_charm on job (charm);

-- The jobs that are due first.
create index job_due on job (due);

-- Records in the order they ended; log last, for lists leave it out.
create table run (
	row        integer primary key,
	id         text    not null unique,
	charm      integer not null, -- outlives its charm, so it refers to none
	job        text    not null,
	task       text    not null,
	reason     text    not null,
	attempt    integer not null,
	due        integer not null,
	started    integer not null,
	ended      integer not null,
	outcome    text    not null,
	code       text    not null,
	error      text    not null,
	position   text    not null,
	changed    integer not null,
	requests   integer not null,
	conflicts  integer not null,
	cpu        integer not null,
	peak_bytes integer not null,
	log        text    not null
) strict;

-- The newest runs of a charm, and those beyond the ones that are kept.
create index run_charm on run (charm, id);

-- The runs of a job.
create index run_job on run (job, id);

-- The runs that are too old to keep.
create index run_ended on run (ended);

create table recipe (
	row        integer primary key,
	id         text    not null unique,
	name       text    not null,
	compiler   text    not null,
	created    integer not null,
	files      text    not null, -- a JSON object of path to text
	source     text    not null,
	program    text    not null,
	source_map text    not null
) strict;

create table setting (
	key   text primary key,
	value text not null
) strict, without rowid;

-- How far retention has looked through a history, by the rule it applied.
create table sweep (
	history text    primary key,
	keep    integer not null,
	row     integer not null
) strict, without rowid;

-- What is written to find out whether writing works again.
create table probe (
	row integer primary key,
	pad blob not null
) strict;
