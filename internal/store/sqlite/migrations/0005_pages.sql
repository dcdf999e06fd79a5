-- Browsers that are let in by a cookie.
create table signin (
	hash    blob    primary key, -- SHA-256 of the cookie's secret
	created integer not null,
	seen    integer not null,
	browser text    not null
) strict, without rowid;

-- Runs of charms by the minute in which they ended, for plots.
create table minute (
	begin    integer primary key, -- ms
	runs     integer not null,
	failed   integer not null, -- did not end ok
	lateness text    not null  -- histogram of start after due
) strict;
