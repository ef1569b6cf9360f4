package rest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// restores says what comes of restoring a name or version, before conditions.
func (w *world) restores(client, name, id string) int {
	th := w.names[name]
	switch {
	case th == nil:
		return 404
	case id == "" && w.live(path.Dir(name)) == nil:
		return 404
	case id == "" && !w.owns(client, name):
		return refused(client)
	case id == "":
		return 0
	case th.deleted || th.ever(id) == nil:
		return 404
	case !w.changes(client, name, th.ever(id)):
		return refused(client)
	}
	return 0
}

// ever returns the version of that id, deleted or not, or nil.
func (th *thing) ever(id string) *edition {
	for _, v := range th.versions {
		if v.id == id {
			return v
		}
	}
	return nil
}

// restore brings back what was deleted together with a name.
func (w *world) restore(top string) {
	if !w.names[top].deleted {
		return
	}
	together := w.names[top].deletion
	for name, th := range w.names {
		if name != top && !strings.HasPrefix(name, top+"/") {
			continue
		}
		if th.deleted && th.deletion == together {
			th.deleted = false
		}
		for _, v := range th.versions {
			if v.deleted && v.deletion == together {
				v.deleted = false
			}
		}
	}
}

// inTheWay returns the version under a name that a moved one of the same id meets there, and whether
// it may be replaced: it forwards, by whatever way, to the one that comes.
func (w *world) inTheWay(target, source, id string) (there *edition, replaceable bool) {
	there = w.names[target].ever(id)
	for v := there; v != nil && v.chain != ""; {
		if v.chain == source {
			return there, true
		}
		v = w.names[v.chain].ever(id)
	}
	return there, there == nil
}

// move gives versions to another name, and returns what is answered.
func (w *world) move(client, source, target string, held []*edition, copying bool) string {
	var urls strings.Builder
	th := w.bindObject(client, target)
	if copying {
		th.lists = w.names[source].lists.clone()
	}
	for _, v := range held {
		if there, _ := w.inTheWay(target, source, v.id); there != nil {
			th.versions = slices.DeleteFunc(th.versions, func(v *edition) bool { return v == there })
		}
		moved := &edition{id: v.id, content: v.content, kind: v.kind, lists: madeBy(client)}
		if copying {
			moved.lists = v.lists.clone()
		}
		th.versions = append(th.versions, moved)
		v.chain = target
		fmt.Fprintf(&urls, "/hatrac%s:%s\n", target, v.id)
	}
	return urls.String()
}

// renamed returns from where to where versions were renamed that are there.
func (w *world) renamed() (ways [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		for _, v := range w.names[name].versions {
			if v.chain != "" && isObject(w.live(v.chain)) {
				ways = append(ways, [2]string{name, v.chain})
			}
		}
	}
	return ways
}

// clone returns lists that can change by themselves.
func (l lists) clone() lists {
	c := lists{}
	for name, list := range l {
		c[name] = slices.Clone(list)
	}
	return c
}

// gone returns the names, and the versions of names that are there, that were deleted.
func (w *world) gone() (all [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		if w.names[name].deleted {
			all = append(all, [2]string{name, ""})
			continue
		}
		for _, v := range w.names[name].versions {
			if v.deleted {
				all = append(all, [2]string{name, v.id})
			}
		}
	}
	return all
}
