package feed

// dirt counts the values of a column that made no sense: the line of the first
// of them, the row of the last.
type dirt struct{ count, line, row int64 }

// soil counts a value of the current row that makes no sense.
func (b *binding) soil(column int, line int64) {
	d := &b.dirty[column]
	if d.row == b.row {
		return // the column is read as two fields
	}
	if d.count == 0 {
		d.line = line
	}
	d.row = b.row
	d.count++
}

// warn says of each column how many of its values made no sense.
func (b *binding) warn(w *warnings) {
	for _, c := range b.order {
		if d := b.dirty[c]; d.count > 0 {
			w.add("column %.80q: values that made no sense, kept as they are: %d, the first on line %d", b.names[c], d.count, d.line)
		}
	}
}
