package prelude_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

var letters = strings.Fields("ada bob cat dog eve fox gnu hen ida jay kit leo mia")

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// sometimes is an edit that is made in a third of the cycles.
func sometimes(r *rand.Rand, edit func() ([]string, any)) func() ([]string, any) {
	return func() ([]string, any) {
		if r.IntN(3) > 0 {
			return nil, nil
		}
		return edit()
	}
}

// answer is a reply with v as JSON.
func answer(v any) reply { return reply{Status: 200, Body: encoded(v)} }

// lives are the models of the corpus by name of the recipe.
var lives = map[string]func(r *rand.Rand, h *host) life{
	"counter": func(r *rand.Rand, _ *host) life {
		value := 3
		return life{
			event: func() any {
				if r.IntN(2) == 0 {
					value++
					return object{}
				}
				by := r.IntN(9) - 4
				value += by
				return object{"by": by}
			},
			edit: sometimes(r, func() ([]string, any) { value = r.IntN(100); return []string{"argument", "value"}, value }),
			want: func() object {
				return object{"value": value, "double": 2 * value, "$NAME": fmt.Sprint("counter ", value), "page": fmt.Sprintf("at %d, twice %d", value, 2*value)}
			},
		}
	},
	"counter-view": func(r *rand.Rand, _ *host) life {
		total, runs, last := 10, 0, any(nil)
		return life{
			event: func() any {
				by := r.IntN(9)
				total, runs, last = total+by, runs+1, by
				return object{"by": by}
			},
			edit: sometimes(r, func() ([]string, any) { runs = r.IntN(50); return []string{"internal", "seen", "runs"}, runs }),
			want: func() object {
				return object{"total": total, "seen": object{"runs": runs, "last": last}, "even": total%2 == 0}
			},
		}
	},
	"nested-counters": func(r *rand.Rand, _ *host) life {
		left, right := 1, 2
		return life{
			event: func() any {
				a, b := r.IntN(4), r.IntN(4)
				left, right = left+a, right+b
				return object{"left": a, "right": b}
			},
			edit: sometimes(r, func() ([]string, any) { left = r.IntN(20); return []string{"argument", "left"}, left }),
			want: func() object {
				return object{"left": left, "right": right, "texts": []string{fmt.Sprint("left: ", left), fmt.Sprint("right: ", right)}, "sum": left*left + right*right}
			},
		}
	},
	"rss": func(r *rand.Rand, h *host) life {
		url, items := "https://feed.test/1", []object{}
		return life{
			event: func() any {
				var text strings.Builder
				for range r.IntN(4) {
					id := fmt.Sprint(url, "#", r.IntN(60))
					fmt.Fprintf(&text, "<item><guid>%s</guid><title>About %s &amp; co</title></item>", id, id)
					if !slices.ContainsFunc(items, func(o object) bool { return o["id"] == id }) {
						items = append(items, object{"id": id, "title": "About " + id + " & co"})
					}
				}
				h.replies[url] = reply{Status: 200, Body: "<rss><channel>" + text.String() + "</channel></rss>"}
				return object{}
			},
			edit: sometimes(r, func() ([]string, any) {
				url = fmt.Sprint("https://feed.test/", r.IntN(3))
				return []string{"argument", "url"}, url
			}),
			want: func() object {
				page := ""
				for _, item := range items {
					page += fmt.Sprint(item["title"], ";")
				}
				return object{"items": items, "size": len(items), "$NAME": "feed " + url, "page": page}
			},
		}
	},
	"mails": func(r *rand.Rand, h *host) life {
		mails := []object{}
		return life{
			event: func() any {
				var ids []string
				for n := range r.IntN(4) {
					id := fmt.Sprint("m", len(mails)+n-1)
					ids = append(ids, id)
					h.replies["https://mail.test/mail/"+id] = answer(object{"id": id, "subject": "S" + id, "labels": oneOf(r, []string{"INBOX", "UNREAD"}, []string{})})
				}
				h.replies["https://mail.test/list"] = answer(object{"ids": append([]string{}, ids...)})
				for _, id := range ids {
					if !slices.ContainsFunc(mails, func(o object) bool { return o["id"] == id }) {
						var mail object
						if err := json.Unmarshal([]byte(h.replies["https://mail.test/mail/"+id].Body), &mail); err != nil {
							panic(err)
						}
						mails = append(mails, mail)
					}
				}
				return object{}
			},
			want: func() object {
				page, unread := "", 0
				for _, mail := range mails {
					labels := mail["labels"].([]any)
					unread += len(labels) / 2
					page += fmt.Sprintf("%s [%s] ", mail["subject"], map[int]string{0: "", 2: "INBOX+UNREAD"}[len(labels)])
				}
				return object{"emails": mails, "unread": unread, "page": page}
			},
		}
	},
	"discord": func(r *rand.Rand, h *host) life {
		messages := []object{}
		return life{
			event: func() any {
				fresh := []object{}
				for range r.IntN(3) {
					fresh = append(fresh, object{"text": oneOf(r, letters...)})
				}
				messages = append(messages, fresh...)
				h.replies["https://chat.test/messages"] = answer(fresh)
				return object{}
			},
			want: func() object {
				page := ""
				for _, m := range messages {
					page += fmt.Sprint(m["text"], "|")
				}
				return object{"messages": messages, "page": page}
			},
		}
	},
	"calendar": func(r *rand.Rand, h *host) life {
		events, pages := []object{}, 0
		return life{
			event: func() any {
				events, pages = []object{}, 1+r.IntN(3)
				for n := range pages {
					items := []object{}
					for i := range r.IntN(3) {
						items = append(items, object{"id": fmt.Sprint(n, "-", i), "minutes": r.IntN(90)})
					}
					events = append(events, items...)
					token := map[bool]string{true: "first", false: fmt.Sprint("p", n)}[n == 0]
					page := object{"items": items}
					if n+1 < pages {
						page["next"] = fmt.Sprint("p", n+1)
					}
					h.replies["https://cal.test/events/"+token] = answer(page)
				}
				return object{}
			},
			want: func() object {
				busy := 0
				for _, e := range events {
					busy += e["minutes"].(int)
				}
				return object{"events": events, "busy": busy, "sync": object{"pages": pages, "zone": "UTC"}}
			},
		}
	},
	"issues": func(r *rand.Rand, h *host) life {
		status, open, failures := "new", 7, 0
		return life{
			event: func() any {
				if r.IntN(3) == 0 {
					code := oneOf(r, 404, 429, 500)
					h.replies["https://code.test/issues"] = reply{Status: code}
					status, failures = fmt.Sprint("HTTP ", code), failures+1
				} else {
					status, open = "fine", r.IntN(300)
					h.replies["https://code.test/issues"] = answer(object{"open": open})
				}
				return object{}
			},
			edit: sometimes(r, func() ([]string, any) { failures = 0; return []string{"argument", "failures"}, 0 }),
			want: func() object {
				return object{"status": status, "open": open, "failures": failures, "line": fmt.Sprintf("%d open, %s", open, status)}
			},
		}
	},
	"chat": func(r *rand.Rand, _ *host) life {
		title, messages := "talk", []object{}
		return life{
			event: func() any {
				from, text := oneOf(r, letters...), oneOf(r, letters...)
				messages = append(messages, object{"from": from, "text": text})
				if r.IntN(3) == 0 {
					messages[len(messages)-1]["text"] = text + "?"
					messages = append(messages, object{"from": "bot", "text": "echo " + text})
					text += "?"
				}
				return object{"from": from, "text": text}
			},
			edit: sometimes(r, func() ([]string, any) { title = oneOf(r, letters...); return []string{"argument", "title"}, title }),
			want: func() object {
				page := title + ": "
				for _, m := range messages {
					page += fmt.Sprintf("%s>%s ", m["from"], m["text"])
				}
				return object{"messages": messages, "last": messages[len(messages)-1]["text"], "page": page}
			},
		}
	},
	"todo": func(r *rand.Rand, _ *host) life {
		items := []object{}
		return life{
			event: func() any {
				at := r.IntN(len(items) + 1)
				switch op := oneOf(r, "add", "add", "add", "toggle", "toggle", "remove", "clear"); op {
				case "toggle":
					if at < len(items) {
						items[at]["done"] = !items[at]["done"].(bool)
					}
					return object{"op": op, "at": at}
				case "remove":
					items = slices.Delete(items, at, min(at+1, len(items)))
					return object{"op": op, "at": at}
				case "clear":
					items = slices.DeleteFunc(items, func(o object) bool { return o["done"].(bool) })
					return object{"op": op}
				}
				title := oneOf(r, letters...)
				items = append(items, object{"title": title, "done": false})
				return object{"op": "add", "title": title}
			},
			want: func() object {
				page, open := "", 0
				for i, item := range items {
					mark := "x"
					if !item["done"].(bool) {
						mark, open = "-", open+1
					}
					page += fmt.Sprintf("%d:%s%s ", i, item["title"], mark)
				}
				return object{"items": items, "open": open, "page": page}
			},
		}
	},
	"todo-cells": func(r *rand.Rand, _ *host) life {
		items := []object{}
		return life{
			event: func() any {
				event := object{}
				if r.IntN(3) > 0 {
					event["add"] = oneOf(r, letters...)
					items = append(items, object{"title": event["add"], "done": false})
				}
				at := r.IntN(len(items) + 2)
				if event["toggle"] = at; at < len(items) {
					items[at]["done"] = !items[at]["done"].(bool)
				}
				return event
			},
			want: func() object {
				done := []any{}
				for _, item := range items {
					if item["done"].(bool) {
						done = append(done, item["title"])
					}
				}
				return object{"items": items, "done": done}
			},
		}
	},
	"kanban": func(r *rand.Rand, _ *host) life {
		board := map[string][]object{"todo": {}, "doing": {}, "done": {}}
		return life{
			event: func() any {
				if r.IntN(2) == 0 {
					card := oneOf(r, letters...)
					board["todo"] = append(board["todo"], object{"name": card})
					return object{"card": card}
				}
				from, to := oneOf(r, "todo", "doing", "done"), oneOf(r, "todo", "doing", "done")
				if len(board[from]) > 0 {
					card := board[from][0]
					board[from] = board[from][1:]
					board[to] = append(board[to], card)
				}
				return object{"from": from, "to": to}
			},
			want: func() object {
				return object{"board": board, "counts": []int{len(board["todo"]), len(board["doing"]), len(board["done"])}}
			},
		}
	},
	"search": func(r *rand.Rand, _ *host) life {
		query, words := "a", []string{}
		return life{
			event: func() any {
				fresh := []string{}
				for range r.IntN(3) {
					fresh = append(fresh, oneOf(r, letters...))
				}
				words = append(words, fresh...)
				return object{"words": fresh}
			},
			edit: sometimes(r, func() ([]string, any) {
				query = oneOf(r, "a", "e", "i", "o", "x")
				return []string{"argument", "query"}, query
			}),
			want: func() object {
				found, page := []string{}, ""
				for _, word := range words {
					if strings.Contains(word, query) {
						found, page = append(found, word), page+word+" "
					}
				}
				return object{"words": words, "query": query, "found": found, "page": page}
			},
		}
	},
	"prices": func(r *rand.Rand, _ *host) life {
		prices, rate := []int{1, 2}, 10
		return life{
			event: func() any {
				event := object{}
				if r.IntN(3) == 0 {
					rate = 1 + r.IntN(20)
					event["rate"] = rate
				}
				if r.IntN(2) == 0 {
					event["price"] = 1 + r.IntN(50)
					prices = append(prices, event["price"].(int))
				}
				return event
			},
			edit: sometimes(r, func() ([]string, any) {
				prices = prices[:r.IntN(len(prices)+1)]
				return []string{"internal", "prices"}, prices
			}),
			want: func() object {
				rows, page := []object{}, ""
				for i, price := range prices {
					rows = append(rows, object{"index": i, "gross": price * rate})
					page += fmt.Sprintf("%d=%d ", i, price*rate)
				}
				return object{"prices": prices, "rate": rate, "rows": rows, "page": page}
			},
		}
	},
	"login": func(r *rand.Rand, _ *host) life {
		name, visits, greeting := "", 0, "hello"
		return life{
			event: func() any {
				if name = oneOf(r, append(letters, "", "", "")...); name != "" {
					visits++
				}
				return object{"name": name}
			},
			edit: sometimes(r, func() ([]string, any) {
				greeting = oneOf(r, "hi", "hello")
				return []string{"argument", "greeting"}, greeting
			}),
			want: func() object {
				page := "please sign in"
				if name != "" {
					page = greeting + " " + name
				}
				return object{"user": object{"name": name}, "visits": visits, "page": page}
			},
		}
	},
	"settings": func(r *rand.Rand, _ *host) life {
		theme, most, least := "light", 50, 5
		return life{
			event: func() any {
				event := object{}
				if r.IntN(2) == 0 {
					theme = oneOf(r, letters...)
					event["theme"] = theme
				}
				if r.IntN(2) == 0 {
					asked := r.IntN(30)
					event["most"], most = asked, max(asked, least)
				}
				return event
			},
			edit: sometimes(r, func() ([]string, any) {
				least = r.IntN(20)
				return []string{"argument", "settings", "limits", "least"}, least
			}),
			want: func() object {
				return object{"settings": object{"theme": theme, "limits": object{"most": most, "least": least}}}
			},
		}
	},
	"votes": func(r *rand.Rand, _ *host) life {
		votes := map[string]int{"ann": 0}
		return life{
			event: func() any { name := oneOf(r, letters[:4]...); votes[name]++; return object{"for": name} },
			want: func() object {
				leader := ""
				for name, n := range votes {
					if leader == "" || n > votes[leader] || n == votes[leader] && name < leader {
						leader = name
					}
				}
				return object{"votes": votes, "leader": leader}
			},
		}
	},
	"statistics": func(r *rand.Rand, _ *host) life {
		samples := []int{5}
		return life{
			event: func() any {
				value := r.IntN(1000)
				samples = append(samples, value)
				samples = samples[max(0, len(samples)-20):]
				return object{"value": value}
			},
			edit: sometimes(r, func() ([]string, any) { samples = []int{r.IntN(9), 4}; return []string{"internal", "samples"}, samples }),
			want: func() object {
				sum, least, most := 0, slices.Min(samples), slices.Max(samples)
				for _, n := range samples {
					sum += n
				}
				return object{"samples": samples, "summary": object{"least": least, "most": most, "sum": sum}, "span": most - least}
			},
		}
	},
	"weather": func(r *rand.Rand, h *host) life {
		town, degrees := "rome", map[string]int{}
		for i, name := range append(letters, "rome") {
			degrees[name] = i
			h.replies["https://weather.test/"+name] = answer(object{"degrees": i})
		}
		return life{
			event: func() any { town = oneOf(r, letters...); return object{"town": town} },
			edit:  sometimes(r, func() ([]string, any) { town = oneOf(r, letters...); return []string{"argument", "town"}, town }),
			want:  func() object { return object{"town": town, "degrees": degrees[town], "waiting": false} },
		}
	},
	"queue": func(r *rand.Rand, _ *host) life {
		waiting, finished := []object{}, []object{}
		return life{
			event: func() any {
				jobs, done := []object{}, r.IntN(4)
				for range r.IntN(4) {
					jobs = append(jobs, object{"name": oneOf(r, letters...), "steps": []int{r.IntN(9)}})
				}
				waiting = append(waiting, jobs...)
				for range min(done, len(waiting)) {
					finished, waiting = slices.Insert(finished, 0, waiting[0]), waiting[1:]
				}
				finished = finished[:min(5, len(finished))]
				return object{"jobs": jobs, "done": done}
			},
			want: func() object { return object{"waiting": waiting, "finished": finished} },
		}
	},
	"scores": func(r *rand.Rand, _ *host) life {
		type entry struct {
			Name   string `json:"name"`
			Points int    `json:"points"`
		}
		board := []entry{}
		return life{
			event: func() any {
				e := entry{oneOf(r, letters...), r.IntN(10)}
				if i := slices.IndexFunc(board, func(o entry) bool { return o.Name == e.Name }); i >= 0 {
					board[i].Points += e.Points
				} else {
					board = append(board, e)
				}
				slices.SortFunc(board, func(a, b entry) int {
					return cmp.Or(b.Points-a.Points, strings.Compare(a.Name, b.Name))
				})
				return e
			},
			want: func() object {
				page := ""
				for _, e := range board {
					page += fmt.Sprintf("%s %d, ", e.Name, e.Points)
				}
				return object{"board": board, "page": page}
			},
		}
	},
	"diamond": func(r *rand.Rand, _ *host) life {
		base := 1
		return life{
			event: func() any { base = r.IntN(100); return object{"base": base} },
			edit:  sometimes(r, func() ([]string, any) { base = r.IntN(100); return []string{"internal", "base"}, base }),
			want: func() object {
				return object{"base": base, "joined": 11*base + 1, "chain": []int{-11 * base, -11 * base}}
			},
		}
	},
	"slow-lifts": func(r *rand.Rand, _ *host) life {
		n := 2
		return life{
			event: func() any { n = r.IntN(20); return object{"n": n} },
			edit:  sometimes(r, func() ([]string, any) { n = r.IntN(20); return []string{"internal", "n"}, n }),
			want:  func() object { return object{"n": n, "square": n * n, "text": fmt.Sprint("square ", n*n)} },
		}
	},
	"timers": func(r *rand.Rand, _ *host) life {
		order, detached := []string{}, 0
		return life{
			event: func() any {
				waits := r.Perm(1 + r.IntN(5))
				order, detached = []string{fmt.Sprint("w", slices.Index(waits, 0)), fmt.Sprint(len(waits))}, detached+1
				return object{"waits": waits}
			},
			want: func() object { return object{"order": order, "detached": detached} },
		}
	},
	"generated": func(r *rand.Rand, _ *host) life {
		layout, n := []string{"p"}, 0
		return life{
			event: func() any {
				n, layout = r.IntN(100), []string{}
				for range r.IntN(4) {
					layout = append(layout, oneOf(r, "p", "b", "i"))
				}
				return object{"n": n, "layout": layout}
			},
			want: func() object {
				page := fmt.Sprint("n=", n)
				for _, name := range layout {
					page += fmt.Sprint(name, n)
				}
				return object{"$NAME": fmt.Sprint("page ", n), "layout": layout, "page": page + fmt.Sprint(len(layout))}
			},
		}
	},
	"long-list": func(r *rand.Rand, _ *host) life {
		rows, last := []object{}, 0
		return life{
			event: func() any {
				event := object{}
				switch {
				case len(rows) < 60:
					add := []string{}
					for range 20 {
						last++
						add = append(add, fmt.Sprint("row", last))
						rows = append(rows, object{"text": add[len(add)-1]})
					}
					event["add"] = add
				case r.IntN(10) == 0:
					event["length"] = len(rows) - r.IntN(30)
					rows = rows[:event["length"].(int)]
				}
				at := r.IntN(len(rows))
				event["at"], event["text"] = at, oneOf(r, letters...)
				if event["length"] == nil {
					rows[at]["text"] = event["text"]
				} else {
					delete(event, "at")
				}
				return event
			},
			want: func() object {
				page := ""
				for _, row := range rows {
					page += strings.ToUpper(row["text"].(string)) + " "
				}
				return object{"rows": rows, "page": page}
			},
		}
	},
	"nested-rows": func(r *rand.Rand, _ *host) life {
		rows, factor, last := []object{}, 1, 0
		cut := func() int {
			rows = rows[:r.IntN(len(rows)+1)]
			return len(rows)
		}
		return life{
			event: func() any {
				event := object{}
				if r.IntN(3) == 0 {
					event["length"] = cut()
				}
				add := []object{}
				for range r.IntN(3) {
					last++
					add = append(add, object{"n": last})
				}
				rows, event["add"] = append(rows, add...), add
				if r.IntN(3) == 0 {
					factor = 1 + r.IntN(9)
					event["factor"] = factor
				}
				return event
			},
			edit: func() ([]string, any) {
				switch r.IntN(6) {
				case 0:
					factor = 1 + r.IntN(9)
					return []string{"argument", "factor"}, factor
				case 1:
					cut()
					return []string{"internal", "rows"}, rows
				}
				return nil, nil
			},
			want: func() object {
				page := ""
				for _, row := range rows {
					page += fmt.Sprintf("%d:%d %d %d %d ", row["n"], factor, 3*factor, 2*factor, 3*factor)
				}
				return object{"rows": rows, "factor": factor, "page": page}
			},
		}
	},
	"favourites": func(r *rand.Rand, _ *host) life {
		type song struct {
			Name  string `json:"name"`
			Stars int    `json:"stars"`
		}
		songs, liked := []*song{}, []*song{}
		return life{
			event: func() any {
				event := object{}
				if r.IntN(2) == 0 {
					event["add"] = oneOf(r, letters...)
					songs = append(songs, &song{Name: event["add"].(string)})
				}
				if like := r.IntN(2 * (len(songs) + 1)); like < len(songs) {
					event["like"] = like
					liked = append(liked, songs[like])
				}
				if star := r.IntN(len(liked) + 1); star < len(liked) {
					event["star"] = star
					liked[star].Stars++
				}
				return event
			},
			want: func() object {
				page, stars := "", 0
				for _, s := range liked {
					page += fmt.Sprintf("%s*%d ", s.Name, s.Stars)
				}
				for _, s := range songs {
					stars += s.Stars
				}
				return object{"songs": songs, "liked": liked, "stars": stars, "page": page}
			},
		}
	},
	"undo": func(r *rand.Rand, _ *host) life {
		text, history := "", []string{}
		return life{
			event: func() any {
				if r.IntN(3) == 0 {
					if n := len(history); n > 0 {
						text, history = history[n-1], history[:n-1]
					}
					return object{"undo": true}
				}
				word := oneOf(r, letters...)
				history, text = append(slices.Clone(history), text), text+word
				return object{"type": word}
			},
			edit: sometimes(r, func() ([]string, any) { text = ""; return []string{"argument", "text"}, "" }),
			want: func() object { return object{"text": text, "history": history} },
		}
	},
	"ledger": func(r *rand.Rand, _ *host) life {
		accounts := []object{}
		return life{
			event: func() any {
				name, amount := oneOf(r, letters[:5]...), r.IntN(100)
				accounts = slices.DeleteFunc(accounts, func(o object) bool { return o["name"] == name })
				accounts = append(accounts, object{"name": name, "amount": amount})
				return object{"name": name, "amount": amount}
			},
			want: func() object {
				balance := 0
				for _, a := range accounts {
					balance += a["amount"].(int)
				}
				return object{"accounts": accounts, "balance": balance}
			},
		}
	},
	"matrix": func(r *rand.Rand, _ *host) life {
		grid := [][]int{{1, 2}, {3, 4}}
		return life{
			event: func() any {
				y, x, by := r.IntN(2), r.IntN(2), r.IntN(9)
				grid[y][x] += by
				return object{"y": y, "x": x, "by": by}
			},
			edit: sometimes(r, func() ([]string, any) {
				grid[1] = []int{r.IntN(9), r.IntN(9)}
				return []string{"internal", "grid"}, grid
			}),
			want: func() object {
				page := ""
				for _, line := range grid {
					page += fmt.Sprintf("<%d><%d>", line[0], line[1])
				}
				return object{"grid": grid, "trace": grid[0][0] + grid[1][1], "page": page}
			},
		}
	},
	"spell": func(r *rand.Rand, _ *host) life {
		log, level := []string{}, 1
		return life{
			event: func() any {
				event, spell := object{}, "light"
				if r.IntN(2) == 0 {
					spell = oneOf(r, letters...)
					event["spell"] = spell
				}
				if log = append(log, fmt.Sprint(spell, " ", level)); len(log)%3 == 0 {
					level++
				}
				return event
			},
			edit: sometimes(r, func() ([]string, any) { level = 1 + r.IntN(3); return []string{"argument", "level"}, level }),
			want: func() object {
				return object{"log": log, "level": level, "shout": strings.ToUpper(log[len(log)-1]) + strings.Repeat("!", level)}
			},
		}
	},
}
