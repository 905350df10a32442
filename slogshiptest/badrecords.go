package slogshiptest

// RejectRecords makes the backend reject each record for which why returns a reason.
// The table at [Backend] says how each backend reports that, and whether it accepts the
// other records of the batch. With an empty reason the record is not rejected; with a
// nil why none is.
//
//	backend.RejectRecords(func(r slogshiptest.Record) string {
//		if r.Has("user", "mallory") {
//			return "unknown user"
//		}
//		return ""
//	})
func (r *Receiver) RejectRecords(why func(Record) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejectRecord = why
}

// FailBatchesOn makes the backend fail each batch with a record for which status
// returns an HTTP status code, such as 500. The backend then accepts no record of the
// batch, and answers with the first such status code. This imitates a server that fails
// on a poison record without saying which record it is. A status of 0 does not fail the
// batch; a nil function fails none.
func (r *Receiver) FailBatchesOn(status func(Record) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failBatch = status
}

// AnswerRecords makes [Elasticsearch] or [Honeycomb] answer each record with the status
// that the function returns, such as 429 for a record to be sent again, or 400 for a
// rejected one. With a status of 0 the record is accepted; with a nil function all are.
//
// It panics for any other backend, because the answers of these have no status for each
// record.
func (r *Receiver) AnswerRecords(status func(Record) int) {
	if r.as == nil || !r.as.byItem {
		panic("slogshiptest: only Elasticsearch and Honeycomb answer each record with a status")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answerRecord = status
}

// RejectEvents is the old name of RejectRecords.
//
// Deprecated: Use [Receiver.RejectRecords].
func (r *Receiver) RejectEvents(why func(Record) string) { r.RejectRecords(why) }

// RefuseBatches is the old name of FailBatchesOn.
//
// Deprecated: Use [Receiver.FailBatchesOn].
func (r *Receiver) RefuseBatches(status func(Record) int) { r.FailBatchesOn(status) }

// AnswerEvents is the old name of AnswerRecords.
//
// Deprecated: Use [Receiver.AnswerRecords].
func (r *Receiver) AnswerEvents(status func(Record) int) { r.AnswerRecords(status) }
