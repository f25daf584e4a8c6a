package report

import (
	"slices"
	"testing"

	"tocsin/casebook"
)

func TestDifferences(t *testing.T) {
	was := []casebook.FormField{{ID: "name", Value: "Botnet"}, {ID: "phone", Value: "1", From: "person:wang"}, {ID: "harm", Value: "none"}, {ID: "cause", Value: "a hole"}}
	is := []casebook.FormField{{ID: "name", Value: "Botnet"}, {ID: "phone", Value: "1", From: "record"}, {ID: "harm", Value: "much"}, {ID: "own_words", Value: "new"}, {ID: "cause", Value: "a hole", Secret: true}}
	want := []Difference{
		{"harm", Words{"Harm and impact", "危害与影响"}, "none", "much", false, false},
		{"own_words", Words{EN: "own words"}, "", "new", false, false},
		{"cause", Words{"Cause", "事件原因"}, "a hole", "a hole", true, true},
	}
	if got := Differences(was, is); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = []Difference{{"phone", Words{"Telephone", "联系电话"}, "1", "", false, false}}
	if got := Differences(was[1:2], nil); !slices.Equal(got, want) {
		t.Errorf("dropped: got %+v, want %+v", got, want)
	}
	if got := Differences(was, was); got != nil {
		t.Errorf("the same twice: got %+v", got)
	}
}
