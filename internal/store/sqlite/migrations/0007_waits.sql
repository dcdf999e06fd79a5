-- What a charm waits for, for the reason in waiting: '' for nothing.
alter table state add column waits_for text not null default '';

update state set waits_for = case
	when waiting = 'its documents are not in its space' then 'documents'
	when waiting in ('it is in the trash of its space', 'it is in none of its space''s lists (charms, pinned)') then 'lists'
	when waiting = 'its recipe is not stored here' then 'recipe'
	when waiting like 'its schedule cannot be used: %' then 'schedule'
	else 'account'
end where waiting <> '';
