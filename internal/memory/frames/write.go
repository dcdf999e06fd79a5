package frames

import (
	"context"
	"slices"

	"github.com/coder/websocket"
)

// pieceBytes is how much of a message goes at once.
const pieceBytes = 16 << 10

// Write sends a message; taken is called whenever the other side, or the network, has
// taken a piece of it. A large one goes in several fragments, between which there is
// room for pings and their answers: one that waits behind a whole message ends the
// connection after five seconds, which is no time for 64 MiB. After an error the
// connection is of no use any more.
func Write(ctx context.Context, conn *websocket.Conn, text []byte, taken func()) error {
	if len(text) <= pieceBytes {
		return conn.Write(ctx, websocket.MessageText, text)
	}
	w, err := conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(text, pieceBytes) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
		taken()
	}
	return w.Close()
}
