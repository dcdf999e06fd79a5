-- Browsers that are let in by a cookie.
create table signin (
	hash    blob    primary key, -- SHA-256 of the cookie's secret
	created integer not null,
	seen    integer not null,
	browser text    not null
) strict, without rowid;
