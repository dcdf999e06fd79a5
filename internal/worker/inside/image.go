package inside

import (
	"encoding/json"
	"errors"
	"hash/fnv"

	"charmd/internal/engine"
	"charmd/internal/recipe"
	"charmd/internal/wire"
)

// mostImages is how many recipes a worker keeps loaded; one is 0.6 MB or more.
const mostImages = 32

// image is a heap with a recipe loaded, and what loading it printed: each run
// prints it again, whether or not it was the one that loaded the recipe.
type image struct {
	recipe string
	heap   *engine.Image
	lines  []wire.LogLine
}

// images are the loaded recipes, the last used first.
type images []*image

func (list *images) find(recipe string) *image {
	for i, img := range *list {
		if img.recipe == recipe {
			copy((*list)[1:i+1], (*list)[:i])
			(*list)[0] = img
			return img
		}
	}
	return nil
}

func (list *images) add(img *image) {
	if len(*list) < mostImages {
		*list = append(*list, nil)
	}
	copy((*list)[1:], *list)
	(*list)[0] = img
}

// imageOf is the image of the run's recipe.
func (m *Machine) imageOf(r *run) (*image, error) {
	if img := m.images.find(r.task.Recipe); img != nil {
		return img, nil
	}
	r.log.flush()
	program, err := m.host.Program(r.task.Recipe)
	if err != nil {
		return nil, &ended{wire.ReasonHost, err.Error()}
	}
	img, err := r.loadRecipe(program)
	if err != nil {
		return nil, err
	}
	m.images.add(img)
	return img, nil
}

// loadRecipe runs the recipe's own code. Its random numbers depend on the recipe
// alone, since all runs of all its charms start from the image.
func (r *run) loadRecipe(program string) (*image, error) {
	m := r.m
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(r.task.Recipe))
	loading := newRun(m, &wire.Task{Now: r.task.Now, Seed: seed.Sum64(), APIURL: r.task.APIURL})
	loading.loading, loading.deadline, loading.expired = true, r.deadline, r.expired
	loading.log = newLogbook(nil)
	m.run = loading
	defer func() { m.run = r }()
	if err := loading.restore(m.base); err != nil {
		return nil, err
	}
	m.vm.Seed(loading.task.Seed)
	err := m.vm.Load(recipe.File, recipe.Wrap(program))
	if err == nil {
		err = loading.settle()
	}
	lines := loading.log.take()
	if err == nil {
		err = loading.loaded()
	}
	if err != nil {
		r.log.again(lines)
		if thrown, ok := errors.AsType[*engine.Error](err); ok {
			err = &loadFailure{*failure("load", thrown)}
		}
		return nil, err
	}
	heap, err := m.vm.Freeze()
	if err != nil {
		return nil, err
	}
	return &image{r.task.Recipe, heap, lines}, nil
}

// loaded asks the runtime whether there is a recipe to run.
func (r *run) loaded() error {
	text, err := r.m.vm.Call("loaded")
	if err != nil {
		return err
	}
	if err := r.judge(); err != nil {
		return err
	}
	if len(r.thrown) > 0 {
		return &loadFailure{r.thrown[0]}
	}
	var answer struct {
		OK    bool         `json:"ok"`
		Error wire.Failure `json:"error"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	if !answer.OK {
		answer.Error.Kind = "load"
		return &loadFailure{answer.Error}
	}
	return nil
}
