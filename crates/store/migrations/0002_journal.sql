-- The journal of one customer, and what somebody should look at: without these a page of a few rows
-- is looked for in the whole journal.

CREATE INDEX journal_of ON journal (tenant, customer, id) WHERE customer IS NOT NULL
-- step
CREATE INDEX journal_to_look_at ON journal (tenant, outcome, id) WHERE outcome <> 'ok'
