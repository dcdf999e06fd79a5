package outlet

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"regexp"
	"time"
)

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Link    atomLink    `xml:"link"`
	Author  atomPerson  `xml:"author"` // of entries without their own
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomEntry struct {
	ID      string       `xml:"id"`
	Title   string       `xml:"title"`
	Updated string       `xml:"updated"`
	Link    *atomLink    `xml:"link"`
	Author  *atomPerson  `xml:"author"`
	Content *atomContent `xml:"content"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

var isHTML = regexp.MustCompile(`</?[a-zA-Z][^>]*>|&\w+;`)

// atom is the items as a feed (RFC 4287).
func atom(s Source, list []item) ([]byte, error) {
	changed := latest(s, list)
	feed := atomFeed{
		ID: "urn:charmd:" + s.ID, Title: s.Title, Updated: changed.Format(time.RFC3339), Link: atomLink{"alternate", s.URL}, Author: atomPerson{s.Title},
	}
	for _, it := range list {
		e := atomEntry{ID: "urn:charmd:" + s.ID + ":" + url.PathEscape(it.id), Title: it.title, Updated: changed.Format(time.RFC3339)}
		if !it.start.IsZero() {
			e.Updated = it.start.Format(time.RFC3339)
		}
		if it.link != "" {
			e.Link = &atomLink{"alternate", it.link}
		}
		if it.author != "" {
			e.Author = &atomPerson{it.author}
		}
		if it.text != "" {
			e.Content = &atomContent{"text", it.text}
			if isHTML.MatchString(it.text) {
				e.Content.Type = "html"
			}
		}
		feed.Entries = append(feed.Entries, e)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	err := xml.NewEncoder(&b).Encode(feed)
	return b.Bytes(), err
}
