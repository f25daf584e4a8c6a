-- What is counted of a million duties is counted in an index, which is a
-- hundredth of the table.
CREATE INDEX duty_count ON duty (tenant, state, tlp);
