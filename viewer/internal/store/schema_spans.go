package store

// schemaNameOfSource has a span's name and source found together: by the index of
// one of them, all rows of the other one are looked at, and left.
const schemaNameOfSource = `
CREATE INDEX spans_name_src ON spans(name, src) WHERE entry = 1;
`
