-- Which walls stood around a run's worker, e.g. "namespaces landlock rlimits".
alter table run add column walls text not null default '';

-- A host that the charm needs asked not to be asked before.
alter table state add column not_before integer not null default 0;

-- What people have stopped for a while: everything, a space, an integration or
-- a charm (its row).
create table pause (
	scope   text    not null, -- all, space, integration, charm
	subject text    not null, -- '' | DID | name | row
	note    text    not null,
	at      integer not null,
	primary key (scope, subject)
) strict, without rowid;

-- Hosts that asked to be left alone, or do not answer.
create table host (
	name     text    not null, -- host:port
	who      text    not null, -- is kept from it: '' everybody | DID of a space | DID/id of a charm
	failures integer not null, -- in a row
	since    integer not null, -- the first of them
	until    integer not null, -- no request before this
	reason   text    not null,
	primary key (name, who)
) strict, without rowid;

-- Each error a charm has met: when first, when last, how often.
create table problem (
	charm    integer not null references charm on delete cascade,
	key      text    not null, -- what makes two errors the same
	outcome  text    not null,
	code     text    not null,
	message  text    not null, -- of the last one
	position text    not null,
	run      text    not null, -- the last one
	first    integer not null,
	last     integer not null,
	times    integer not null,
	primary key (charm, key)
) strict, without rowid;

-- The problems seen last, and those not seen for long.
create index problem_last on problem (last);

-- How many runs of charms have ended with each outcome, up to the row that the
-- sweep 'tally' has come to. The records behind it are counted when asked for.
create table tally (
	outcome text    primary key,
	runs    integer not null
) strict, without rowid;

-- The service's totals were kept apart from the records until now.
insert into tally (outcome, runs)
	select 'ok', coalesce(value ->> 'totalSuccesses', 0) from setting where key = 'service.totals'
	union all
	select 'error', coalesce(value ->> 'totalFailures', 0) from setting where key = 'service.totals'
	union all
	select 'remote', coalesce((value ->> 'totalExecutions') - (value ->> 'totalSuccesses') - (value ->> 'totalFailures'), 0)
		from setting where key = 'service.totals';
insert into sweep (history, keep, row) select 'tally', 0, coalesce(max(row), 0) from run;

-- Runs folded by the hour in which they ended, for figures over longer than
-- their records are kept. The histograms are JSON lists of counts.
create table stat (
	hour        integer not null, -- its begin, ms
	integration text    not null,
	outcome     text    not null,
	runs        integer not null,
	busy        integer not null, -- µs of wall time together
	times       text    not null, -- histogram of wall times
	lateness    text    not null, -- histogram of start after due
	primary key (hour, integration, outcome)
) strict, without rowid;

-- What has still to be told to the notification hook.
create table notice (
	row      integer primary key autoincrement,
	id       text    not null unique,
	body     text    not null, -- JSON
	attempts integer not null,
	due      integer not null
) strict;

-- JSON that clients keep under keys of their choice.
create table blob (
	row     integer primary key,
	key     text    not null unique,
	created integer not null,
	body    blob    not null
) strict;

-- The number of the commit that a run wrote, in the log of its space; 0 when it
-- wrote nothing, since the first commit of a space is never a run's.
alter table run add column since integer not null default 0;
