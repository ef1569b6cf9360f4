package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

func testChunks(t *testing.T, w *world) {
	for name, test := range map[string]func(*world){
		"chunks come by number, in pages":        pagesChunks,
		"a chunk that comes again is there once": recordsAgain,
		"a forgotten chunk can come again":       forgetsChunks,
		"a chunk shows that a job is active":     notesActivity,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// heard is when chunks are recorded.
var heard = begun.Add(time.Hour)

// record marks chunks of a job as received.
func (w *world) record(job int64, numbers ...int64) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		for _, number := range numbers {
			if err := tx.RecordChunk(w.t.Context(), job, store.Chunk{Number: number}, heard); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) chunks(job, from int64, limit int) []store.Chunk {
	w.t.Helper()
	chunks, err := w.d.Received(w.t.Context(), job, from, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return chunks
}

// received returns the numbers of chunks.
func (w *world) received(job, from int64, limit int) []int64 {
	w.t.Helper()
	var numbers []int64
	for _, c := range w.chunks(job, from, limit) {
		numbers = append(numbers, c.Number)
	}
	return numbers
}

func pagesChunks(w *world) {
	o := w.object("/chunks")
	job, other := w.job(o.ID, "chunks"), w.job(o.ID, "other")
	numbers := []int64{0, 1, 2, 9, 10, 11, 100, 1 << 31, 1<<31 + 1, 1 << 50}
	for _, number := range slices.Backward(numbers) {
		w.record(job.ID, number)
		w.record(other.ID, number+1)
	}
	for _, size := range []int{1, 3, 9, 10, 11} {
		var got []int64
		for from := int64(0); len(got) <= len(numbers); from = got[len(got)-1] + 1 {
			page := w.received(job.ID, from, size)
			got = append(got, page...)
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the chunks in pages of %d", size), numbers, got)
	}
	for from, want := range map[int64]int64{0: 0, 3: 9, 9: 9, 12: 100, 1<<31 + 2: 1 << 50} {
		same(w.t, fmt.Sprintf("the first chunk from %d on", from), []int64{want}, w.received(job.ID, from, 1))
	}
	same(w.t, "a page of none", []int64(nil), w.received(job.ID, 0, 0))
	same(w.t, "the chunks behind the last", []int64(nil), w.received(job.ID, 1<<50+1, 10))
}

func recordsAgain(w *world) {
	job := w.job(w.object("/again").ID, "again")
	var want []store.Chunk
	for i, tag := range []string{"", `"etag"`, "é ' %2F", strings.Repeat("x", 500)} {
		for _, c := range []store.Chunk{{Number: int64(i), Tag: "before"}, {Number: int64(i), Tag: tag}} {
			w.update(func(tx store.Tx) error { return tx.RecordChunk(w.t.Context(), job.ID, c, heard) })
		}
		want = append(want, store.Chunk{Number: int64(i), Tag: tag})
	}
	same(w.t, "the chunks", want, w.chunks(job.ID, 0, 10))
}

func forgetsChunks(w *world) {
	ctx := w.t.Context()
	o := w.object("/forgotten")
	job, other := w.job(o.ID, "job"), w.job(o.ID, "other")
	w.record(job.ID, 0, 1, 2)
	w.record(other.ID, 1)
	for range 2 { // the second time there is nothing left to forget
		w.update(func(tx store.Tx) error { return tx.ForgetChunk(ctx, job.ID, 1) })
		same(w.t, "the chunks", []int64{0, 2}, w.received(job.ID, 0, 10))
	}
	same(w.t, "the chunks of another job", []int64{1}, w.received(other.ID, 0, 10))
	w.record(job.ID, 1)
	same(w.t, "the chunks", []int64{0, 1, 2}, w.received(job.ID, 0, 10))
	w.update(func(tx store.Tx) error {
		if err := tx.ForgetChunk(ctx, job.ID, 2); err != nil {
			return err
		}
		return tx.RecordChunk(ctx, job.ID, store.Chunk{Number: 2, Tag: "new"}, heard)
	})
	same(w.t, "the chunks", []store.Chunk{{Number: 0}, {Number: 1}, {Number: 2, Tag: "new"}}, w.chunks(job.ID, 0, 10))
}

func notesActivity(w *world) {
	job := w.job(w.object("/active").ID, "active")
	w.record(job.ID, 7)
	job.Active = heard
	same(w.t, "the job", &job, w.found("/active", "active"))
	w.update(func(tx store.Tx) error { return tx.ForgetChunk(w.t.Context(), job.ID, 7) })
	same(w.t, "the job whose chunk is forgotten", &job, w.found("/active", "active"))
}
