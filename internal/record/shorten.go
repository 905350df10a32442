package record

func (w *writer) shorten(int) {}
