-- Sealed values. The key that opens wrapped is not in the database.
create table secret (
	place   text    primary key,
	key     text    not null, -- id of the key that wrapped was sealed with
	wrapped blob    not null, -- the key of sealed
	sealed  blob    not null,
	changed integer not null
) strict, without rowid;

-- Accounts that charms of a space may use; what proves them is a secret.
create table connection (
	id       text    primary key,
	space    text    not null, -- DID
	charm    text    not null, -- entity id, '' for none
	provider text    not null,
	cell     text    not null, -- entity id of the document that the recipe expects it in, '' for none
	path     text    not null, -- in it, a JSON list
	email    text    not null,
	name     text    not null,
	picture  text    not null,
	scopes   text    not null, -- a JSON list
	state    text    not null, -- connected, needs_reconnect
	reason   text    not null,
	since    integer not null,
	tried    integer not null,
	made     integer not null,
	expires  integer not null,
	ends     integer not null
) strict, without rowid;
