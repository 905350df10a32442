package formats_test

import "testing"

// Axiom's answer counts what was ingested and what failed.
func TestAxiomAnswers(t *testing.T) {
	testAnswers(t, subjectNamed(t, "axiom"), []answerCase{
		{name: "all", answer: response{status: 200, body: `{"ingested":4,"failed":0,"failures":[],"processedBytes":219,"blocksCreated":0,"walLength":2}`}, taken: 4},
		{
			name: "some failed",
			answer: response{status: 200, body: `{"ingested":2,"failed":2,"failures":[
				{"timestamp":"2026-03-04T05:06:07Z","error":"too many fields"},{"timestamp":"2026-03-04T05:06:07Z","error":"too many fields"}]}`},
			taken: 2, rejected: 2, report: "2 records not accepted: too many fields",
		},
		{name: "fewer than sent", answer: response{status: 200, body: `{"ingested":3,"failed":0}`}, taken: 3, rejected: 1, report: "1 record not accepted"},
		{name: "more than sent", answer: response{status: 200, body: `{"ingested":9,"failed":0}`}, taken: 4},
		{name: "more failed than sent", answer: response{status: 200, body: `{"ingested":0,"failed":9}`}, rejected: 4, report: "4 records not accepted"},
		{name: "something else", answer: response{status: 200, body: `ok`}, taken: 4, again: all, held: true, report: "this is not an answer of Axiom: ok (Axiom takes records at /v1/datasets/"},
		{name: "another object", answer: response{status: 200, body: `{"message":"welcome"}`}, taken: 4, again: all, held: true, report: "not an answer of Axiom: {"},
		{name: "cut off after the counts", answer: response{status: 200, body: `{"ingested":2,"failed":2,"failures":[{"error":"x"},`}, taken: 2, rejected: 2, report: "2 records not accepted: x"},
		{name: "nothing", answer: response{status: 200}, taken: 4},
		{name: "an empty object", answer: response{status: 200, body: "{}"}, taken: 4},
		{name: "a page", answer: response{status: 200, body: "\n<html>"}, taken: 4, again: all, held: true, report: "this is a web page"},
	})
}
