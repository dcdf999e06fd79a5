package queue

// SetIntake stops the claiming of charms' runs, or lets it go on. What is claimed
// goes on either way, and so does maintenance, which may make the room that is
// missing.
func (q *Queue) SetIntake(open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.noIntake == open {
		q.noIntake = !open
		q.wakeAll()
	}
}
