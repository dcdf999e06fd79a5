package memory

import (
	"maps"
	"slices"

	"charmd/internal/merkle"
)

// ofDigest is the digest of one change's body with the place it stands at.
// Putting the digest of the whole transaction together from these costs a few
// hashes, where hashing the transaction again would hash every value twice.
type ofDigest struct {
	of, the, cause string
	body           merkle.Ref
}

func changesDigest(list []ofDigest) merkle.Ref {
	var ofs []merkle.Entry
	for _, of := range grouped(list, func(d ofDigest) string { return d.of }) {
		var thes []merkle.Entry
		for _, the := range grouped(of, func(d ofDigest) string { return d.the }) {
			causes := make([]merkle.Entry, len(the))
			for i, d := range the {
				causes[i] = merkle.Entry{Key: d.cause, Value: d.body}
			}
			thes = append(thes, merkle.Entry{Key: the[0].the, Value: merkle.ReferMap(causes...)})
		}
		ofs = append(ofs, merkle.Entry{Key: of[0].of, Value: merkle.ReferMap(thes...)})
	}
	return merkle.ReferMap(ofs...)
}

// grouped splits list by key, groups in order of first appearance.
func grouped(list []ofDigest, key func(ofDigest) string) [][]ofDigest {
	var groups [][]ofDigest
	at := make(map[string]int, len(list))
	for _, d := range list {
		i, ok := at[key(d)]
		if !ok {
			i = len(groups)
			at[key(d)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
