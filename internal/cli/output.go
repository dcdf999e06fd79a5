package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"charmd/internal/charm"
)

// output is standard output. It keeps the first error, since a command whose
// result was not written has failed.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = charm.Errorf(charm.CodeInternal, "the output could not be written: %w", err)
	}
	return n, err
}

// print writes one line of text for people.
func (a *app) print(format string, args ...any) {
	fmt.Fprintf(a.out, format+"\n", args...)
}

// warn writes one line to standard error.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// printJSON writes the one JSON value.
func (a *app) printJSON(v any) error {
	a.printed = true
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// result prints v as JSON, or calls human when people read.
func (a *app) result(v any, human func()) error {
	if a.json {
		return a.printJSON(v)
	}
	human()
	return nil
}

// getenv is os.Getenv of the environment that was passed to Main.
func (a *app) getenv(name string) string {
	for _, entry := range a.env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// terminal reports whether the stream is a terminal.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// size is the terminal's width and height in characters, zeros when standard
// output is none.
func (a *app) size() (width, height int) {
	f, ok := terminal(a.out.w)
	if !ok {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// coloured reports whether colours are wanted on the stream: it is a terminal
// that knows them and NO_COLOR is not set.
func (a *app) coloured(stream any) bool {
	_, ok := terminal(stream)
	return ok && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}
