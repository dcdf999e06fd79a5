-- What the last runs of each charm followed from, so that they can be made
-- again. A charm has a few places, which are taken in turn: a charm that runs
-- often leaves no more than one that runs rarely.
create table recording (
	charm integer not null references charm on delete cascade,
	place integer not null,
	run   text    not null,
	body  blob    not null,
	primary key (charm, place)
) strict, without rowid;

-- When a charm got another recipe, and by which commit of its space.
create table recast (
	charm  integer not null references charm on delete cascade,
	since  integer not null,
	at     integer not null,
	before text    not null, -- recipe
	after  text    not null, -- recipe
	primary key (charm, since)
) strict, without rowid;

-- The handler whose failure a run ended with, by its name in the recipe.
alter table run add column handler text not null default '';
