-- The requests of a run: a JSON list, '' for none.
alter table run add column ledger text not null default '';

-- The hosts that charms have asked, or want to ask and may not yet.
create table contact (
	who     text    not null, -- DID/id of the charm
	host    text    not null, -- with the port when it is not the usual one
	allowed integer not null,
	since   integer not null,
	primary key (who, host)
) strict, without rowid;
