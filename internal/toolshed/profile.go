package toolshed

import (
	"net/http/pprof"
	"strings"
)

// profilePath is where the service's own process says what it spends its time and
// memory on, in the form of Go's pprof. That is for operators, as the rest is.
const profilePath = "/debug/pprof/"

// profileRoutes names each profile, since a charm's pages may lie under any other
// path of that length. The command line and the table of symbols are left out: one
// says nothing of time, and profiles name their functions themselves.
func (t *Toolshed) profileRoutes() {
	t.mux.HandleFunc("GET "+profilePath+"{$}", pprof.Index)
	t.mux.HandleFunc("GET "+profilePath+"profile", pprof.Profile)
	t.mux.HandleFunc("GET "+profilePath+"trace", pprof.Trace)
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		t.mux.Handle("GET "+profilePath+name, pprof.Handler(name))
	}
}

// profiled reports whether a route is of a profile. Those take the token itself: a
// page at another port may send a browser that is signed in after any link, again and
// again, and no page of ours has one here.
func profiled(route string) bool { return strings.HasPrefix(route, "GET "+profilePath) }
