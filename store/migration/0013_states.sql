-- Most findings are open: those are found without an index.
CREATE INDEX finding_state ON finding (state, public) WHERE state <> 0;
