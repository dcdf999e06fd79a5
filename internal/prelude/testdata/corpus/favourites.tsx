import { cell, handler, lift, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const act = handler((event, state) => {
  if (event.add) state.songs.push({ name: event.add, stars: 0 });
  if (event.like !== undefined && state.songs[event.like]) state.liked.push(state.songs[event.like]);
  if (event.star !== undefined && state.liked[event.star]) state.liked[event.star].stars += 1;
});
export default recipe("favourites", () => {
  const songs = cell([]), liked = cell([]);
  return { [UI]: <div>{liked.map((song) => <p>{song.name}*{song.stars} </p>)}</div>, songs, liked,
    stars: lift((list) => list.reduce((sum, song) => sum + song.stars, 0))(songs), bgUpdater: act({ songs, liked }) };
});
