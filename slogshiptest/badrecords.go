package slogshiptest

// RejectRecords makes the backend reject each record for which why returns a
// reason. It takes the other records of the batch; the table at [Backend] says how each
// backend reports that, and which ones refuse the batch instead. An empty reason
// takes the record; a nil why rejects none.
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

// FailBatchesOn makes the backend fail each batch that holds a record for which
// status returns an HTTP status: it takes nothing of the batch and answers with the
// first such status, 500 for instance. It stands for a server that fails on a
// poison record and does not say which it is. A status of 0 does not fail the batch; a nil
// function fails none.
func (r *Receiver) FailBatchesOn(status func(Record) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failBatch = status
}

// AnswerRecords makes [Elasticsearch] or [Honeycomb] answer each record with the
// status that the function returns: 429 for a record to be sent again, 400 for a
// rejected one. A status of 0 takes the record; a nil function takes all.
//
// It panics for other backends, whose answers have no status for each record.
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
