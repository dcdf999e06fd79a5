package sqlite

import (
	"context"
	"fmt"
)

// contradictions count rows that no charmd leaves behind, which SQLite does not
// mind: programs that write to the database may. What they mean has the number.
var contradictions = []struct{ query, what string }{
	{"select count(*) from memory m where not exists (select 1 from fact f where f.row = m.head)", "documents whose current fact is gone: %d"},
	{"select count(*) from fact where length(ref) <> 32 or length(cause) <> 32", "facts with a reference that is none: %d"},
	{"select count(*) from memory m join fact f on f.row = m.head where f.value is not null and not json_valid(cast(f.value as text))",
		"documents that are no JSON: %d"},
	{"select count(*) from space s where s.since <> coalesce((select max(since) from log l where l.space = s.row), -1)",
		"spaces whose log ends at another commit: %d"},
	{"select count(*) from charm c where not exists (select 1 from space s where s.row = c.space)", "charms whose space is gone: %d"},
	{"select count(*) from charm where not json_valid(allow_hosts)", "charms whose private hosts are no list: %d"},
	{"select count(*) from recipe where not json_valid(files)", "recipes whose files are no list: %d"},
}

// contradict tells what the rows of the database say that cannot be, a line each.
func contradict(ctx context.Context, s *session) (found []string, err error) {
	for _, c := range contradictions {
		n, err := s.number(ctx, c.query)
		if err != nil {
			return found, explain(err, s.path)
		}
		if n > 0 {
			found = append(found, fmt.Sprintf(c.what, n))
		}
	}
	return found, nil
}
