package rest

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestRange(t *testing.T) {
	whole := func(n int64) span { return span{0, n} }
	for _, c := range []struct {
		field   string
		size    int64
		want    span
		partial bool
		err     error
	}{
		{"bytes=0-0", 6, span{0, 1}, true, nil},
		{"bytes=2-3", 6, span{2, 2}, true, nil},
		{"Bytes=2-3", 6, span{2, 2}, true, nil},
		{"bytes=2-", 6, span{2, 4}, true, nil},
		{"bytes=2-100", 6, span{2, 4}, true, nil},
		{"bytes=-2", 6, span{4, 2}, true, nil},
		{"bytes=0-5", 6, whole(6), false, nil},
		{"bytes=0-", 6, whole(6), false, nil},
		{"bytes=-6", 6, whole(6), false, nil},
		{"bytes=-600", 6, whole(6), false, nil},
		{"bytes=-99999999999999999999", 6, whole(6), false, nil},
		{"bytes=0-99999999999999999999", 6, whole(6), false, nil},
		{"bytes=00000000000000000000001-0000000000000000000000000000002", 6, span{1, 2}, true, nil},
		{"bytes=6-", 6, whole(6), false, errUnsatisfiable},
		{"bytes=99999999999999999999-", 6, whole(6), false, errUnsatisfiable},
		{"bytes=6-8,100-", 6, whole(6), false, errUnsatisfiable},
		{"bytes=0-0,100-", 6, span{0, 1}, true, nil},
		{"bytes=100-,0-0", 6, span{0, 1}, true, nil},
		{"bytes=0-0 , ,100-", 6, span{0, 1}, true, nil},
		{"bytes=0-0,2-2", 6, whole(6), false, errRangeKind},
		{"bytes=0-0,0-0", 6, whole(6), false, errRangeKind},
		{"bytes=0-,0-0", 6, whole(6), false, errRangeKind},
		{"lines=0-1", 6, whole(6), false, errRangeKind},
		{"none", 6, whole(6), false, nil},
		{"", 6, whole(6), false, nil},
		{"bytes", 6, whole(6), false, nil},
		{"bytes=", 6, whole(6), false, nil},
		{"bytes=,", 6, whole(6), false, nil},
		{"=0-1", 6, whole(6), false, nil},
		{"by tes=0-1", 6, whole(6), false, nil},
		{"bytes=9-3", 6, whole(6), false, nil},
		{"bytes=99999999999999999999-99999999999999999998", 6, whole(6), false, nil},
		{"bytes=-0", 6, whole(6), false, nil},
		{"bytes=-", 6, whole(6), false, nil},
		{"bytes=1-2x", 6, whole(6), false, nil},
		{"bytes=0-0,1-2x", 6, whole(6), false, nil},
		{"bytes=0-0,-0", 6, whole(6), false, nil},
		{"bytes=9-3,100-", 6, whole(6), false, nil},
		{"bytes=+1-2", 6, whole(6), false, nil},
		{"bytes= 1-2", 6, span{1, 2}, true, nil},
		{"bytes=1 - 2", 6, whole(6), false, nil},
		{"bytes=1--2", 6, whole(6), false, nil},
		{"bytes=0-0", 0, whole(0), false, errUnsatisfiable},
		{"bytes=0-", 0, whole(0), false, errUnsatisfiable},
		{"bytes=-5", 0, whole(0), false, errUnsatisfiable},
		{"bytes=-0", 0, whole(0), false, nil},
		{"bytes=0-0,5-", 0, whole(0), false, errUnsatisfiable},
	} {
		t.Run(c.field+" of "+strconv.FormatInt(c.size, 10), func(t *testing.T) {
			got, partial, err := parseRange([]string{c.field}, c.size)
			if err != c.err || got != c.want && err == nil || partial != c.partial {
				t.Errorf("got %v, partial %v, error %v; want %v, %v, %v", got, partial, err, c.want, c.partial, c.err)
			}
		})
	}
}

func TestTwoRangeFieldsAreMalformed(t *testing.T) {
	got, partial, err := parseRange([]string{"bytes=0-0", "bytes=1-1"}, 6)
	if got != (span{0, 6}) || partial || err != nil {
		t.Errorf("got %v, %v, %v", got, partial, err)
	}
}

func TestOneRangeIsTheSliceOfTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 50).Draw(t, "size")
		first := rapid.Int64Range(0, 60).Draw(t, "first")
		last := rapid.Int64Range(first, 70).Draw(t, "last")
		field := "bytes=" + strconv.FormatInt(first, 10) + "-" + strconv.FormatInt(last, 10)
		got, partial, err := parseRange([]string{field}, size)
		if first >= size {
			if err != errUnsatisfiable {
				t.Fatalf("%s of %d: %v, %v", field, size, got, err)
			}
			return
		}
		want := span{first, min(last, size-1) - first + 1}
		if err != nil || got != want || partial != (want.length < size) {
			t.Fatalf("%s of %d: %v, %v, %v", field, size, got, partial, err)
		}
	})
}

func FuzzRange(f *testing.F) {
	for _, field := range []string{"bytes=0-1", "bytes=-5", "bytes=1-,3-4", "lines=1", "bytes=-0", "bytes=9-3,1-"} {
		f.Add(field, int64(6))
	}
	f.Add("bytes=0-", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		part, partial, err := parseRange([]string{field}, size)
		if err != nil {
			return
		}
		if part.first < 0 || part.length < 0 || part.first > size-part.length {
			t.Fatalf("%q of %d bytes is %v", field, size, part)
		}
		if partial == (part == span{0, size}) {
			t.Fatalf("%q of %d bytes is %v, partial %v", field, size, part, partial)
		}
	})
}
