package rest

import "testing"

func TestSizesForPeople(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1550: "1.6 kB", 999_949: "999.9 kB", 999_950: "1.0 MB",
		1 << 30: "1.1 GB", 5e12: "5.0 TB", 9e15: "9.0 PB", 1 << 62: "4611.7 PB",
	} {
		if got := sizeText(&n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := sizeText(nil); got != "" {
		t.Errorf("an unknown size is %q", got)
	}
}
