package explain

import "unicode/utf8"

// Nearest is the one of the known words that a mistyped one is most likely to mean, ""
// when none is near: two letters may be wrong, missing or too many, in a word of less
// than five one.
func Nearest(word string, known []string) string {
	best, most := "", 2
	if utf8.RuneCountInString(word) < 5 {
		most = 1
	}
	for _, k := range known {
		if d := distance([]rune(word), []rune(k)); d <= most && (best == "" || d < most) {
			best, most = k, d
		}
	}
	return best
}

// distance is how many letters must be changed, put in or left out to make b of a.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(corner+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
