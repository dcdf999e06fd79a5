package cgroup

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// place finds the folder of the process's own cgroup: own is the text of
// /proc/self/cgroup, mounts that of /proc/self/mountinfo.
func place(own, mounts string) (string, error) {
	name := ""
	for line := range strings.Lines(own) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			name = rest
		}
	}
	switch {
	case name == "":
		return "", Reason("this kernel has no cgroups of version 2")
	case strings.HasPrefix(name, "/.."):
		return "", Reason("the service's cgroup lies outside of its container's")
	}
	why := Reason("no cgroups of version 2 are mounted")
	for line := range strings.Lines(mounts) {
		root, on, options, ok := mounted(line)
		if !ok {
			continue
		}
		below, inside := strings.CutPrefix(name, strings.TrimSuffix(root, "/"))
		switch {
		case !inside || below != "" && below[0] != '/':
			why = Reason(fmt.Sprintf("the service's cgroup %s is not mounted", name))
		case slices.Contains(strings.Split(options, ","), "ro"):
			why = "cgroups are mounted for reading alone"
		default:
			return path.Join(on, below), nil
		}
	}
	return "", why
}

// mounted reads a line of mountinfo: "31 23 0:28 ROOT PLACE OPTIONS more - TYPE …".
// ok is false when it is not a hierarchy of version 2.
func mounted(line string) (root, on, options string, ok bool) {
	before, after, _ := strings.Cut(line, " - ")
	fields := strings.Fields(before)
	if kind := strings.Fields(after); len(fields) < 6 || len(kind) == 0 || kind[0] != "cgroup2" {
		return "", "", "", false
	}
	return unescaped.Replace(fields[3]), unescaped.Replace(fields[4]), fields[5], true
}

// unescaped undoes what the kernel does to names in mountinfo.
var unescaped = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
