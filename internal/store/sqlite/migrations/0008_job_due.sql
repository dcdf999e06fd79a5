-- The live jobs are few and read together, so they are sorted then: an index by due
-- time cost two changes of it a run.
drop index job_due;
