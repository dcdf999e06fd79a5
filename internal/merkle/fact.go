package merkle

// FactRef returns the reference of a fact (memory spec §3): an assertion of
// the value whose reference is is, or, when is is nil, a retraction. cause is
// the reference of the fact before it, or Unclaimed(the, of).
func FactRef(the, of string, is *Ref, cause Ref) Ref {
	fields := [4]Entry{{"cause", cause}, {"of", referString(of)}, {"the", referKey(the)}}
	if is == nil {
		return ReferMap(fields[:3]...)
	}
	fields[3] = Entry{"is", *is}
	return ReferMap(fields[:]...)
}

// Unclaimed returns the reference that stands for a memory before its first
// fact.
func Unclaimed(the, of string) Ref {
	return ReferMap(Entry{"of", referString(of)}, Entry{"the", referKey(the)})
}
