-- The requests of a run: a JSON list, '' for none.
alter table run add column ledger text not null default '';
